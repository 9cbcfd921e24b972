import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';

const ROOT = path.join(import.meta.dirname, '../..');
export const NODE = path.join(ROOT, 'node_modules/.bin/node');

export const CLI = path.join(ROOT, 'src/cli.ts');
export const BIN = path.join(ROOT, 'bin/gatewright.mjs');
export const PASSWORD = 'correct horse battery staple';

export interface Outcome {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  // biome-ignore lint/suspicious/noExplicitAny: what a test expects of it is what the test is about
  json: any;
}

export interface Installation {
  root: string;
  env: Record<string, string>;
  run(args: string[], options?: { input?: string; env?: Record<string, string> }): Promise<Outcome>;
  /** The same with `--json`, and fails where the command does. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  json(args: string[], options?: { input?: string; env?: Record<string, string> }): Promise<any>;
}

const roots: string[] = [];
afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true, force: true });
});

/** A folder of its own, and the real program run in it, so that no `.env` of a developer counts. */
export function installation(): Installation {
  const root = mkdtempSync(path.join(tmpdir(), 'gatewright-cli-'));
  roots.push(root);
  const env = {
    PATH: process.env['PATH'] ?? '',
    NODE_COMPILE_CACHE: path.join(ROOT, 'node_modules/.cache/gatewright'),
    DATA_DIR: path.join(root, 'data'),
    KEYS_DIR: path.join(root, 'keys'),
    // Nothing listens there.
    ISSUER: 'http://localhost:9',
    ARGON2_MEMORY_KIB: '7168',
    ARGON2_PASSES: '1',
  };
  const run: Installation['run'] = (args, options = {}) =>
    execute(NODE, [CLI, ...args], {
      cwd: root,
      env: { ...env, ...options.env },
      ...input(options),
    });

  return {
    root,
    env,
    run,
    async json(args, options) {
      const outcome = await run([...args, '--json'], options);
      if (outcome.status !== 0) throw new Error(`${args.join(' ')} ended with ${outcome.status}: ${outcome.stderr}`);
      return outcome.json;
    },
  };
}

export function execute(
  file: string,
  args: string[],
  { cwd, env, input = '' }: { cwd: string; env: Record<string, string>; input?: string },
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, env });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (status, signal) => resolve({ status, signal, stdout, stderr, json: parse(stdout) }));
    // A command that reads nothing may be gone before this is written.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

function input({ input }: { input?: string }): { input?: string } {
  return input === undefined ? {} : { input };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
