import { describe, expect, it } from 'vitest';
import { defaultSettings } from '../../src/clients/client.ts';
import { postgresqlRegistry } from '../../src/store/postgresql/registry.ts';
import { openPostgresqlState } from '../support/postgresql-stores.ts';

const AT = '2026-01-02 03:04:05.678';
const API = 'https://api.example.org';

async function opened() {
  const state = await openPostgresqlState({ connections: 1 });
  // Where the server stands must not matter: Prisma writes UTC.
  await state.query("SET TimeZone = 'America/New_York'");
  await state.query(
    `INSERT INTO "Client" (id, name, type, status, audience, settings, "notBefore", "createdAt", "updatedAt")
     VALUES ('api', 'Notes', 'resource', 'active', $1, $2, '${AT}', '${AT}', '${AT}')`,
    [API, JSON.stringify(defaultSettings('resource'))],
  );
  for (const [hash, expiresAt] of [
    ['lasting', null],
    ['ending', '2026-01-02 03:04:05.679'],
    ['ended', AT],
  ]) {
    await state.query(
      `INSERT INTO "ClientSecret" (id, "clientId", "secretHash", "createdAt", "expiresAt") VALUES ($1, 'api', $1, '${AT}', $2)`,
      [hash, expiresAt],
    );
  }
  await state.query(
    `INSERT INTO "Account" (id, email, "emailNormalized", "emailVerified", role, status, "notBefore", claims,
       "factorsVersion", "createdAt", "updatedAt")
     VALUES ('acc_ada', 'a', 'a', true, 'user', 'active', '${AT}', '{}', 0, '${AT}', '${AT}')`,
  );
  return { ...state, registry: postgresqlRegistry({ pool: state.pool, clock: state.clock }) };
}

describe('the registry in PostgreSQL', () => {
  it('knows a client with its times and the secrets that may be used, by id and by audience', async () => {
    const { registry, clock } = await opened();
    const client = await registry.client('api');
    expect({ ...client, secretHashes: client?.secretHashes.sort() }).toEqual({
      ...{ id: 'api', name: 'Notes', type: 'resource', status: 'active', audience: API },
      ...{ settings: defaultSettings('resource'), notBefore: clock(), createdAt: clock(), updatedAt: clock() },
      ...{ secretHashes: ['ending', 'lasting'], registeredBy: null, managesItself: false },
    });
    expect(await registry.api(API)).toMatchObject({
      id: 'api',
      secretHashes: expect.arrayContaining(['ending', 'lasting']),
    });
    expect(await registry.client(API)).toBeNull();
  });

  it('knows whether an account may act', async () => {
    const { registry, clock, query } = await opened();
    expect(await registry.account('acc_ada')).toEqual({ active: true, notBefore: clock() });
    await query(`UPDATE "Account" SET status = 'disabled'`);
    expect(await registry.account('acc_ada')).toEqual({ active: false, notBefore: clock() });
  });

  it('knows of nothing by a name that no database could hold', async () => {
    const { registry } = await opened();
    for (const name of ['\0', 'api\0', 'x'.repeat(100_000), '\ud800', "'"]) {
      expect(await registry.client(name)).toBeNull();
      expect(await registry.api(name)).toBeNull();
      expect(await registry.account(name)).toBeNull();
      // A request may name a key by a hash of its own making (presented-client.ts).
      expect(await registry.apiKey('keyHash', name)).toBeNull();
    }
  });
});
