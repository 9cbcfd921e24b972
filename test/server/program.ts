import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { onTestFinished } from 'vitest';
import { freePort } from '../support/free-port.ts';

const MAIN = path.join(import.meta.dirname, '../../src/main.ts');

export interface Program {
  child: ChildProcess;
  issuer: string;
  /** Everything that it wrote so far. */
  output: { out: string; err: string };
  /** @returns the lines of its log, once it says that it is ready */
  ready(): Promise<Record<string, unknown>[]>;
  /** @returns exit status, or the signal that ended it, and how long it took since the call */
  ended(): Promise<{ status: number | string | null; took: number }>;
}

export interface Installation {
  folder: string;
  env: Record<string, string>;
  issuer: string;
}

/** Folders and a port of one test, gone when it ends. */
export async function installation(env: Record<string, string> = {}): Promise<Installation> {
  const folder = mkdtempSync(path.join(tmpdir(), 'gatewright-program-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const port = String(await freePort());
  const issuer = `http://localhost:${port}`;
  return {
    ...{ folder, issuer },
    env: {
      ...{ ISSUER: issuer, PORT: port, ARGON2_MEMORY_KIB: '7168', ARGON2_PASSES: '1' },
      ...{ DATA_DIR: path.join(folder, 'data'), KEYS_DIR: path.join(folder, 'keys') },
      ...env,
    },
  };
}

/** `node src/main.ts`, as an operator runs it, with nothing in its environment but what is given. */
export function start({ env, issuer }: Installation, { cwd = tmpdir() }: { cwd?: string } = {}): Program {
  const child = spawn(process.execPath, [MAIN], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const output = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.err += text;
  });
  const closed = new Promise<number | string | null>((resolve) => {
    child.once('close', (status, signal) => resolve(status ?? signal));
  });
  const linesOf = () =>
    output.out
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  return {
    ...{ child, issuer, output },
    async ready() {
      const isReady = () => /"Gatewright is ready"\}\n/.test(output.out);
      const over = closed.then((status) => {
        throw new Error(`it ended with ${status} before it was ready: ${output.err || output.out}`);
      });
      while (!isReady()) await Promise.race([over, new Promise((resolve) => setTimeout(resolve, 10))]);
      over.catch(() => undefined);
      return linesOf();
    },
    async ended() {
      const from = Date.now();
      return { status: await closed, took: Date.now() - from };
    },
  };
}
