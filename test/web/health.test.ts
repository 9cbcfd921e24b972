import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { databaseFile } from '../../src/store/sqlite/engine.ts';
import { closeSqliteFile, openSqliteFile } from '../../src/store/sqlite/sqlite-file.ts';
import { REDIS_URL } from '../support/databases.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await server[Symbol.asyncDispose]();
});

const SOUND = { status: 'ok', database: 'ok', signingKey: 'ok', migrations: 'ok' };

async function ready() {
  const answer = await fetch(`${server.issuer}/health/ready`);
  return { status: answer.status, cache: answer.headers.get('cache-control'), body: await answer.json() };
}

describe('whether it is ready', () => {
  it('is said part by part, and not kept', async () => {
    expect(await ready()).toEqual({ status: 200, cache: 'no-store', body: SOUND });
    expect(await (await fetch(`${server.issuer}/health/live`)).json()).toEqual({ status: 'ok' });
  });

  it.skipIf(!REDIS_URL)('Redis is a part of it where there is one', async () => {
    const other = await startTestServer({}, { engine: 'redis' });
    onTestFinished(() => other[Symbol.asyncDispose]());
    expect(await (await fetch(`${other.issuer}/health/ready`)).json()).toEqual({ ...SOUND, redis: 'ok' });
    vi.spyOn(other.app.stores, 'checkRedis').mockRejectedValue(new Error('no route to cache.internal'));
    other.passTime(1_001);
    const answer = await fetch(`${other.issuer}/health/ready`);
    expect([answer.status, await answer.json()]).toMatchObject([503, { database: 'ok', redis: 'unavailable' }]);
  });

  it('names the part that fails and nothing of why, and recovers by itself', async () => {
    const check = vi.spyOn(server.app.stores, 'check').mockRejectedValue(new Error('no route to db.internal:5432'));
    expect(await ready()).toMatchObject({
      status: 503,
      body: { ...SOUND, status: 'unavailable', database: 'unavailable' },
    });
    // The process itself is well: to start it again would mend nothing.
    expect((await fetch(`${server.issuer}/health/live`)).status).toBe(200);
    check.mockRestore();
    server.passTime(1_001);
    expect(await ready()).toMatchObject({ status: 200, body: SOUND });
  });

  it.each(['older', 'unfit'] as const)('not with tables that are %s', async (state) => {
    vi.spyOn(server.app.stores, 'migrationState').mockResolvedValue(state);
    expect(await ready()).toMatchObject({ status: 503, body: { ...SOUND, status: 'unavailable', migrations: state } });
  });

  it('also with tables that a newer program has brought up to date: an upgrade takes one instance after the other', async () => {
    const database = openSqliteFile({ file: databaseFile(server.config.folders.data) });
    database.exec(`INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at)
      VALUES ('x', 'x', '9999_later', CURRENT_TIMESTAMP)`);
    closeSqliteFile(database);
    server.passTime(60_001);
    expect(await ready()).toMatchObject({ status: 200, body: SOUND });
  });

  it('is one question to the database, however many ask', async () => {
    const { promise: answer, resolve } = Promise.withResolvers<string>();
    const check = vi.spyOn(server.app.stores, 'check').mockReturnValue(answer);
    const migrations = vi.spyOn(server.app.stores, 'migrationState');
    const startedAt = performance.now();
    const many = Array.from({ length: 20 }, ready);
    await vi.waitFor(() => expect(check).toHaveBeenCalled());
    resolve('ok');
    expect((await Promise.all(many)).map(({ status }) => status)).toEqual(Array(20).fill(200));
    await ready();
    // One a second, on a machine that is as slow as it likes.
    const asked = check.mock.calls.length;
    expect(asked).toBeLessThanOrEqual(1 + Math.floor((performance.now() - startedAt) / 1_000));
    server.passTime(1_001);
    await ready();
    expect(check.mock.calls.length).toBeGreaterThan(asked);
    // To look through the tables costs more.
    expect(migrations).toHaveBeenCalledTimes(1);
    server.passTime(60_000);
    await ready();
    expect(migrations).toHaveBeenCalledTimes(2);
  });

  it('is answered within two seconds of a database that is not, which is not asked again beside that', async () => {
    const { promise: answer, resolve } = Promise.withResolvers<string>();
    const check = vi.spyOn(server.app.stores, 'check').mockReturnValue(answer);
    const startedAt = performance.now();
    const late = { status: 503, body: { status: 'unavailable', database: 'timeout' } };
    expect(await Promise.all([ready(), ready()])).toMatchObject([late, late]);
    expect(performance.now() - startedAt).toBeLessThan(4_000);
    expect(check).toHaveBeenCalledTimes(1);
    resolve('ok');
    await vi.waitFor(async () => expect((await ready()).status).toBe(200));
  });

  it('is asked anew where the clock was set back', async () => {
    await ready();
    vi.spyOn(server.app.stores, 'check').mockRejectedValue(new Error('away'));
    server.passTime(-60_000);
    expect((await ready()).status).toBe(503);
  });

  it('ends when the server is about to stop', async () => {
    server.app.leave();
    expect(await ready()).toMatchObject({ status: 503, body: { ...SOUND, status: 'stopping' } });
    expect((await fetch(`${server.issuer}/health/live`)).status).toBe(200);
  });
});
