import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { HOUR, toMilliseconds } from '../../../src/lib/duration.ts';
import { openRedis, type Redis } from '../../../src/store/redis/connection.ts';
import { isUnavailable } from '../../../src/store/unavailable.ts';
import { racers } from '../../support/stores.ts';
import { keys } from '../artifacts.contract.ts';
import { proxyTo } from './proxy.ts';
import { openRedisState, ownServer, rawClient } from './state.ts';

const ping = (redis: Redis) => redis.run((client) => client.ping());
const failure = (promise: Promise<unknown>) => promise.then(() => null).catch((err: unknown) => err);

async function opened(url: string): Promise<Redis> {
  const redis = await openRedis(url);
  onTestFinished(() => redis.close());
  return redis;
}

describe('a Redis that stops', () => {
  it.each(['SIGTERM', 'SIGKILL'] as const)('by %s keeps what it acknowledged, and is found again', async (signal) => {
    const server = await ownServer();
    const { artifacts, clock, progress, redis } = await openRedisState({ url: server.url });
    const later = clock() + toMilliseconds(HOUR);
    await racers(20, (id) => artifacts.put('AuthorizationCode', `${id}`, { id }, keys(), later));
    await progress('flow').save('id', 'value', 0, later);
    await server.stop(signal);
    await server.start();

    await vi.waitFor(() => ping(redis), { timeout: 10_000 });
    const found = await racers(20, (id) => artifacts.get('AuthorizationCode', `${id}`));
    expect(found.map((artifact) => artifact?.payload['id'])).toEqual(found.map((_, id) => id));
    expect(await progress('flow').load('id')).toEqual({ value: 'value', version: 1 });
    expect(await progress('flow').save('id', 'next', 1, later)).toBe(true);
  });

  it('fails what is in flight and what comes after at once, as unavailable', async () => {
    const server = await ownServer();
    const [redis, raw] = [await opened(server.url), await rawClient(server.url)];
    const waiting = failure(redis.run((client) => client.blPop('nothing', 0)));
    await vi.waitFor(async () => expect(await raw.info('clients')).toContain('blocked_clients:1'));
    await server.stop('SIGKILL');

    expect(isUnavailable(await waiting)).toBe(true);
    for (let tries = 0; tries < 3; tries += 1) {
      const err = await failure(ping(redis));
      expect(isUnavailable(err)).toBe(true);
      expect(err).toMatchObject({ cause: expect.any(Error) });
    }
  });

  it('does not carry out later what was asked while it was away', async () => {
    const server = await ownServer();
    const redis = await opened(server.url);
    await server.stop();
    expect(isUnavailable(await failure(redis.run((client) => client.set('key', 'value'))))).toBe(true);
    await server.start();
    await vi.waitFor(() => ping(redis), { timeout: 10_000 });
    expect(await redis.run((client) => client.exists('key'))).toBe(0);
  });
});

describe('a Redis that falls silent', () => {
  it('fails what waits for it, then everything at once, and is left for a new connection', async () => {
    const proxy = await proxyTo((await ownServer()).url);
    const redis = await opened(proxy.url);
    await ping(redis);
    proxy.hold(true);
    const begun = performance.now();
    expect(isUnavailable(await failure(ping(redis)))).toBe(true);
    const waited = performance.now() - begun;
    expect(isUnavailable(await failure(ping(redis)))).toBe(true);
    expect(performance.now() - begun - waited).toBeLessThan(500);
    expect(waited).toBeGreaterThan(1_900);

    // Whoever goes on asking does not keep the silent connection alive.
    await vi.waitFor(
      async () => {
        await failure(ping(redis));
        expect(proxy.connections()).toBeGreaterThan(1);
      },
      { timeout: 15_000, interval: 100 },
    );
    proxy.hold(false);
    await vi.waitFor(() => ping(redis), { timeout: 15_000 });
  });

  it('and answers again is used again, on the same connection', async () => {
    const server = await ownServer();
    const redis = await opened(server.url);
    const slow = failure(
      redis.run((client) =>
        client.eval(`local function now() local t = redis.call('TIME') return t[1] * 1000 + t[2] / 1000 end
          local from = now() while now() - from < 2600 do end`),
      ),
    );
    expect(isUnavailable(await slow)).toBe(true);
    expect(isUnavailable(await failure(ping(redis)))).toBe(true);
    await vi.waitFor(() => ping(redis), { timeout: 10_000 });
    expect(String(await redis.run((client) => client.info()))).toMatch(/total_connections_received:1\r/);
  });
});

describe('a Redis that refuses', () => {
  it('to write because it is full is unavailable, and still reads', async () => {
    const redis = await opened((await ownServer({ maxmemory: '1' })).url);
    expect(isUnavailable(await failure(redis.run((client) => client.set('key', 'value'))))).toBe(true);
    expect(isUnavailable(await failure(redis.run((client) => client.put('key', 1, '{}', 'sealed', 1))))).toBe(true);
    expect(await redis.run((client) => client.get('key'))).toBeNull();
  });

  it('to write because it became a replica is unavailable', async () => {
    const redis = await opened((await ownServer()).url);
    await redis.run((client) => client.replicaOf('127.0.0.1', 1));
    expect(isUnavailable(await failure(redis.run((client) => client.set('key', 'value'))))).toBe(true);
  });

  it('to write because it became a replica is left for the server that has its address now', async () => {
    const [old, next] = [await ownServer(), await ownServer()];
    const proxy = await proxyTo(old.url);
    const redis = await opened(proxy.url);
    await (await rawClient(old.url)).replicaOf('127.0.0.1', 1);
    proxy.leadTo(next.url);
    const refused = await racers(10, () => failure(redis.run((client) => client.set('key', 'value'))));
    expect(refused.every(isUnavailable)).toBe(true);
    await vi.waitFor(() => redis.run((client) => client.set('key', 'value')), { timeout: 10_000 });
    expect(await (await rawClient(next.url)).get('key')).toBe('value');
    expect(proxy.connections()).toBe(2);
  });

  it('a mistake of ours is not unavailable', async () => {
    const redis = await opened((await ownServer()).url);
    await redis.run((client) => client.set('key', 'value'));
    expect(isUnavailable(await failure(redis.run((client) => client.hGetAll('key'))))).toBe(false);
    expect(isUnavailable(await failure(redis.run((client) => client.eval('no lua'))))).toBe(false);
    expect(isUnavailable(await failure(redis.run((client) => client.set('key', {} as never))))).toBe(false);
  });
});
