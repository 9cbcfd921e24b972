import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from './free-port.ts';

export interface RedisServer {
  url: string;
  /** Its data. */
  folder: string;
  /** @param signal SIGKILL is a crash */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Again, on the same port and data. */
  start(): Promise<void>;
  remove(): Promise<void>;
}

/** A Redis of its own on a free port of this machine, configured as docs/operating.md says; null where none is installed. */
export async function startRedisServer(settings: Record<string, string> = {}): Promise<RedisServer | null> {
  const folder = mkdtempSync(path.join(tmpdir(), 'gatewright-redis-'));
  const port = await freePort();
  const options = {
    ...{ port: String(port), bind: '127.0.0.1', dir: folder, save: '', loglevel: 'notice' },
    ...{ 'maxmemory-policy': 'noeviction', appendonly: 'yes', appendfsync: 'always' },
    ...settings,
  };
  let running: ReturnType<typeof spawn> | null = null;

  const server: RedisServer = {
    folder,
    url: `redis://127.0.0.1:${port}/0`,
    async start() {
      const child = spawn(
        'redis-server',
        Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]),
        { stdio: ['ignore', 'pipe', 'pipe'] },
      );
      running = child;
      await new Promise<void>((resolve, reject) => {
        let said = '';
        child.stdout.setEncoding('utf8').on('data', (text: string) => {
          said += text;
          if (/Ready to accept connections/.test(said)) resolve();
        });
        child.once('error', reject);
        child.once('exit', (code) => reject(new Error(`redis-server ended with ${code}: ${said}`)));
      });
      child.stdout.removeAllListeners('data').resume();
    },
    async stop(signal = 'SIGTERM') {
      const child = running;
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill(signal);
      await ended;
    },
    async remove() {
      await server.stop('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
  try {
    await server.start();
  } catch (err) {
    rmSync(folder, { recursive: true, force: true });
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw err;
  }
  return server;
}
