import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface Scratch extends Disposable {
  root: string;
  file: string;
}

/** A folder for one test, gone when the test ends (`using`). */
export function scratch(): Scratch {
  const root = mkdtempSync(join(tmpdir(), 'gatewright-test-'));
  return {
    root,
    file: join(root, 'data', 'gatewright.db'),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** Runs a program of `programs/` in a process of its own; resolves to its output, rejects when it fails. */
export async function runProgram(name: string, ...args: string[]): Promise<string> {
  const program = join(import.meta.dirname, 'programs', name);
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...args]);
  return stdout.trim();
}
