import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createClient } from '@redis/client';
import { Client } from 'pg';
import { databaseFile } from '../../src/store/sqlite/engine.ts';
import { closeSqliteFile, openSqliteFile } from '../../src/store/sqlite/sqlite-file.ts';
import { ENGINE } from '../support/databases.ts';
import { startPostgresqlServer } from '../support/postgresql-server.ts';
import { startRedisServer } from '../support/redis-server.ts';

/** Where this engine keeps its data: a database server of our own, so that all its files can be searched. */
export interface Keeper {
  env: Record<string, string>;
  files(label: string): Place[];
  /** Writes a text as a careless program would, and deletes it again. */
  plant(text: string): Promise<void>;
  /** Once the server is closed: what a clean end leaves. */
  stop(): Promise<void>;
  remove(): Promise<void>;
}

export interface Place {
  name: string;
  bytes: Buffer;
}

export function filesOf(folder: string, label: string): Place[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => ({
      name: `${label}/${path.relative(folder, path.join(entry.parentPath, entry.name))}`,
      bytes: readFileSync(path.join(entry.parentPath, entry.name)),
    }));
}

/** @param dataFolder of the server, once there is one */
export async function startKeeper(dataFolder: () => string): Promise<Keeper> {
  if (ENGINE === 'sqlite') {
    const files = (label: string) => filesOf(dataFolder(), label);
    const plant = async (text: string) => plantInFile(databaseFile(dataFolder()), text);
    return { env: {}, files, plant, stop: async () => {}, remove: async () => {} };
  }
  const postgresql = await startPostgresqlServer({ durable: true });
  const redis = ENGINE === 'redis' ? await startRedisServer() : null;
  return {
    env: { DATABASE_URL: postgresql.url, ...(redis && { REDIS_URL: redis.url }) },
    files: (label) => [
      ...filesOf(dataFolder(), label),
      // Not the templates that every new database is made from.
      ...filesOf(postgresql.folder, `${label}/postgresql`).filter(({ name }) => !/\/base\/(1|4)\//.test(name)),
      ...(redis ? filesOf(redis.folder, `${label}/redis`) : []),
    ],
    async plant(text) {
      const client = new Client({ connectionString: postgresql.url });
      await client.connect();
      await client.query('CREATE TABLE planted (value text)');
      // More than once: where the log begins a new page, its head stands in the middle of what is written.
      await client.query('INSERT INTO planted SELECT $1 FROM generate_series(1, 20)', [`${text} in PostgreSQL`]);
      await client.query('DROP TABLE planted');
      await client.end();
      if (!redis) return;
      const cache = createClient({ url: redis.url });
      await cache.connect();
      await cache.set('planted', `${text} in Redis`);
      await cache.del('planted');
      await cache.close();
    },
    async stop() {
      await Promise.all([postgresql.stop(), redis?.stop()]);
    },
    async remove() {
      await Promise.all([postgresql.remove(), redis?.remove()]);
    },
  };
}

function plantInFile(file: string, text: string): void {
  const handle = openSqliteFile({ file });
  handle.exec('CREATE TABLE planted (value TEXT)');
  handle.prepare('INSERT INTO planted VALUES (?)').run(`${text} in SQLite`);
  handle.exec('DROP TABLE planted');
  closeSqliteFile(handle);
}
