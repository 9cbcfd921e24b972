import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';

/**
 * Measures, each time with a process of its own: how long from the start of the program to the first answered discovery
 * request, and the resident memory once it idles. `npm run bench:start`
 */
const ROUNDS = 5;
const IDLE_AFTER = 3_000;

const root = path.join(import.meta.dirname, '..');

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

async function answered(url: string): Promise<void> {
  for (let tries = 0; tries < 1_000; tries += 1) {
    const response = await fetch(url).catch(() => null);
    if (response?.ok) return;
    await wait(5);
  }
  throw new Error(`${url} never answered`);
}

async function start(folder: string, port: number): Promise<{ ms: number; mebibytes: number }> {
  const issuer = `http://localhost:${port}`;
  const env = {
    ...process.env,
    ...{ ISSUER: issuer, PORT: String(port), LOG_LEVEL: 'warn' },
    ...{ DATA_DIR: path.join(folder, 'data'), KEYS_DIR: path.join(folder, 'keys') },
  };
  const startedAt = performance.now();
  const child = spawn(process.execPath, ['src/main.ts'], { cwd: root, env, stdio: 'ignore' });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  try {
    await answered(`${issuer}/.well-known/openid-configuration`);
    const ms = performance.now() - startedAt;
    await wait(IDLE_AFTER);
    const resident = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1];
    return { ms, mebibytes: Number(resident) / 1024 };
  } finally {
    child.kill('SIGTERM');
    await exited;
  }
}

const median = (numbers: number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;

const folder = mkdtempSync(path.join(tmpdir(), 'gatewright-bench-'));
const port = await freePort();
const first = await start(folder, port);
const later = [];
for (let round = 0; round < ROUNDS; round += 1) later.push(await start(folder, port));
rmSync(folder, { recursive: true, force: true });

process.stdout.write(
  [
    `first start, empty folders:      ${Math.round(first.ms)} ms to the first discovery answer`,
    `later starts, median of ${ROUNDS}:      ${Math.round(median(later.map(({ ms }) => ms)))} ms`,
    `idle, median of ${ROUNDS}:              ${Math.round(median(later.map(({ mebibytes }) => mebibytes)))} MiB resident`,
    '',
  ].join('\n'),
);
