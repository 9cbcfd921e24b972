import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { issueApiKey } from '../../src/api-keys/format.ts';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { addApiKey, exchange, type KeyScene, keyOf } from '../support/api-keys.ts';
import { basic, post } from '../support/endpoint.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { countStatements } from './counted-statements.ts';

/*
 * The attacker has found something that looks like a key, or tries many. Tried: to learn from the work that is done for
 * it whether it ever was one; to shut others out behind the same address; to have the store asked for every guess.
 */

let server: TestServer;
let work: string[] = [];

const PER_ADDRESS = 20;

beforeAll(async () => {
  countStatements((_where, sql) => void work.push(sql));
  server = await startTestServer({
    ...{ SECOND_FACTOR: 'optional', TRUSTED_PROXIES: '127.0.0.1,::1' },
    ...{ LIMIT_ADDRESS_REQUESTS: String(PER_ADDRESS), LIMIT_CLIENT_FAILURES: '5', LIMIT_CLIENT_REQUESTS: '40' },
  });
}, 60_000);
afterAll(async () => {
  vi.restoreAllMocks();
  await server[Symbol.asyncDispose]();
});

let networks = 0;
let from: Record<string, string>;
beforeEach(() => {
  networks += 1;
  from = { 'x-forwarded-for': `203.0.113.${networks}` };
});

/** What a request made the server ask of keys and clients; what it counts and does in the background is not about it. */
async function workOf(request: () => Promise<unknown>): Promise<string[]> {
  work = [];
  await request();
  return work.filter((sql) => /"?(ApiKey|Client|Role)"?\b/.test(sql) && !/Outbox/.test(sql));
}

async function dead(): Promise<Record<string, KeyScene>> {
  const { apiKeys, clients } = server.app.stores;
  const scenes: Record<string, KeyScene> = {};
  for (const why of ['revoked', 'expired', 'disabled', 'deleted', 'API disabled']) {
    scenes[why] = await addApiKey(server, why === 'expired' ? { expiresIn: 0 } : {});
  }
  const { revoked, disabled, deleted, 'API disabled': closed } = scenes as Record<string, KeyScene>;
  await apiKeys.revoke(revoked?.id ?? '', BY_OPERATOR);
  await clients.setStatus(disabled?.service.id ?? '', 'disabled', BY_OPERATOR);
  await clients.delete(deleted?.service.id ?? '', BY_OPERATOR);
  await clients.setStatus(closed?.api.id ?? '', 'disabled', BY_OPERATOR);
  return scenes;
}

describe('what looks like a key', () => {
  it('costs one look, the same whether it never was one or no longer is', async () => {
    const scenes = await dead();
    const unknown = await workOf(() => exchange(server, issueApiKey().key, {}, from));
    expect(unknown).toHaveLength(1);
    for (const [why, { key }] of Object.entries(scenes)) {
      expect([why, await workOf(() => exchange(server, key, {}, from))]).toEqual([why, unknown]);
    }
  });

  it('costs the same at introspection', async () => {
    const { service, api } = await addApiKey(server);
    for (const caller of [service, api]) {
      const look = (token: string) =>
        workOf(() => post(server, '/oauth2/introspect', { token }, { ...basic(caller), ...from }));
      const unknown = await look(issueApiKey().key);
      for (const [why, { key }] of Object.entries(await dead())) expect([why, await look(key)]).toEqual([why, unknown]);
    }
  });

  it('costs no look where its checksum is wrong', async () => {
    const { key, api } = await addApiKey(server);
    const mistyped = `${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`;
    for (const presented of [mistyped, key.slice(0, 20), `gwk_${'A'.repeat(49)}`, 'x', 'gwk_', `${key}é`]) {
      expect(await workOf(() => exchange(server, presented, {}, from)), presented).toEqual([]);
    }
    const asks = (token: string) =>
      workOf(() => post(server, '/oauth2/introspect', { token }, { ...basic(api), ...from }));
    const ofKeys = (statements: string[]) => statements.filter((sql) => /ApiKey/.test(sql));
    expect(ofKeys(await asks(mistyped))).toEqual([]);
    expect(ofKeys(await asks(key))).not.toEqual([]);
  });

  it('is looked for, for an address, as often as anything else', async () => {
    const tried: number[] = [];
    for (let tries = 0; tries < PER_ADDRESS; tries += 1) {
      tried.push((await exchange(server, issueApiKey().key, {}, from)).status);
    }
    expect(tried).toEqual(tried.map(() => 400));
    expect((await exchange(server, issueApiKey().key, {}, from)).status).toBe(429);
  });
});

describe('whoever has a key', () => {
  it('waits for nobody behind the same address', async () => {
    const { key } = await addApiKey(server);
    for (let tries = 0; tries <= PER_ADDRESS; tries += 1) await exchange(server, issueApiKey().key, {}, from);
    // Of this one, the process has never heard.
    expect((await exchange(server, key, {}, from)).status).toBe(200);
    expect((await exchange(server, key, {}, from)).status).toBe(200);
    expect((await exchange(server, issueApiKey().key, {}, from)).status).toBe(429);
  });

  it('is counted by the key, and no other key of the same client with it', async () => {
    const scene = await addApiKey(server);
    const other = await keyOf(server, scene);
    const statuses: number[] = [];
    for (let asked = 0; asked < 42; asked += 1) statuses.push((await exchange(server, scene.key, {}, from)).status);
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(0);
    expect((await exchange(server, other.key, {}, from)).status).toBe(200);
  });

  it('is refused unseen when one that has ended is presented again and again', async () => {
    const { key, id } = await addApiKey(server);
    await server.app.stores.apiKeys.revoke(id, BY_OPERATOR);
    for (let tries = 0; tries < 5; tries += 1) expect((await exchange(server, key, {}, from)).status).toBe(400);
    const statements = await workOf(async () => expect((await exchange(server, key, {}, from)).status).toBe(429));
    expect(statements).toEqual([]);
    // Nobody else is shut out by that.
    expect((await exchange(server, (await addApiKey(server)).key, {}, from)).status).toBe(200);
  });
});
