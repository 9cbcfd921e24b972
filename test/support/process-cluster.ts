import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { parseConfig, storeOptions } from '../../src/config/config.ts';
import { openStores, type Stores } from '../../src/store/open.ts';
import { freePort } from './free-port.ts';
import { startRoundRobin } from './round-robin.ts';
import { createSeed, type Site } from './seed.ts';
import { CHEAP } from './server.ts';

/** Loads ask as fast as the machine answers, all from one address. */
const UNLIMITED = Object.fromEntries(
  ['ADDRESS', 'CLIENT', 'ACCOUNT'].map((who) => [`LIMIT_${who}_REQUESTS`, '10000000']),
);

const MAIN = path.join(import.meta.dirname, '../../src/main.ts');

export interface ProcessCluster extends Site {
  stores: Stores;
  env: Record<string, string>;
  /** Everything that the instances wrote. */
  output: string[];
  /** How many requests each instance answered. */
  served: number[];
  /** Does nothing from now on until it is killed. */
  freeze(instance: number): void;
  /** kill -9 */
  kill(instance: number): Promise<void>;
  /** Starts an instance that was killed, on its port. */
  start(instance: number): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Programs as an operator runs them, on one database, behind a load balancer that gives each request to the next one. */
export async function startProcessCluster(env: Record<string, string>, count = 2): Promise<ProcessCluster> {
  const folder = mkdtempSync(path.join(tmpdir(), 'gatewright-cluster-'));
  const ports = await Promise.all(Array.from({ length: count }, freePort));
  const proxy = await startRoundRobin(ports);
  const issuer = `http://localhost:${proxy.port}`;
  const all = {
    ...{ ISSUER: issuer, TRUSTED_PROXIES: '127.0.0.1', ...CHEAP, ...UNLIMITED },
    ...{ DATA_DIR: path.join(folder, 'data'), KEYS_DIR: path.join(folder, 'keys') },
    ...env,
  };
  const children: ChildProcess[] = [];
  const output: string[] = [];

  async function start(instance: number): Promise<void> {
    const child = spawn(process.execPath, [MAIN], {
      cwd: folder,
      env: { ...all, PORT: String(ports[instance]) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children[instance] = child;
    await new Promise<void>((resolve, reject) => {
      const heard = (text: string) => {
        output.push(text);
        if (text.includes('"Gatewright is ready"')) resolve();
      };
      child.stdout.setEncoding('utf8').on('data', heard);
      child.stderr.setEncoding('utf8').on('data', heard);
      child.once('exit', (code) => reject(new Error(`it ended with ${code}: ${output.join('').slice(-2000)}`)));
    });
  }

  async function kill(instance: number): Promise<void> {
    const child = children[instance];
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  await Promise.all(ports.map((_, instance) => start(instance)));
  const config = parseConfig(all);
  const stores = await openStores({ ...storeOptions(config), clock: Date.now });
  return {
    issuer,
    ...createSeed(config, () => stores),
    ...{ stores, env: all, output, served: proxy.served, kill, start },
    freeze: (instance) => void children[instance]?.kill('SIGSTOP'),
    async [Symbol.asyncDispose]() {
      await Promise.all(ports.map((_, instance) => kill(instance)));
      await proxy.close();
      await stores.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
