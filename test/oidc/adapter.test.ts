import type { AdapterPayload } from 'oidc-provider';
import { errors } from 'oidc-provider';
import { beforeEach, describe, expect, it } from 'vitest';
import { defaultSettings } from '../../src/clients/client.ts';
import { parseConfig } from '../../src/config/config.ts';
import { HOUR } from '../../src/lib/duration.ts';
import { keyringFrom } from '../../src/lib/keyring.ts';
import { newKeyring } from '../../src/lib/keyring-file.ts';
import { LONGEST_ACCESS_TOKEN } from '../../src/lib/token-lifetime.ts';
import { GRANT_CLAIM, type VerifiedAccessToken } from '../../src/oidc/access-tokens.ts';
import { createAdapter } from '../../src/oidc/adapter.ts';
import type { ArtifactStore } from '../../src/oidc/artifact-store.ts';
import { createDeviceCodes } from '../../src/oidc/device-codes.ts';
import type { RegisteredClient, Standing } from '../../src/oidc/registry.ts';
import { sweepBatch } from '../../src/store/sqlite/sweep.ts';
import type { TestClock } from '../support/clock.ts';
import { openTestState } from '../support/stores.ts';

const keyring = keyringFrom(newKeyring());
const aClient = { id: 'web', status: 'active', settings: defaultSettings('web') } as const;
const USERINFO = 'https://id.example.org/oauth2/userinfo';

let artifacts: ArtifactStore;
let clock: TestClock;
let accounts: Record<string, Standing>;
let clients: Record<string, Pick<RegisteredClient, 'id' | 'status' | 'notBefore' | 'settings'>>;
/** Who may use a client that is not open to everybody, and what was asked of it. */
let listed: string[];
let looks: string[];
let tokens: Record<string, Partial<VerifiedAccessToken>>;

beforeEach(() => {
  ({ artifacts, clock } = openTestState());
  accounts = { ada: { active: true, notBefore: 0 } };
  clients = { web: { ...aClient, notBefore: 0 }, service: { ...aClient, notBefore: 0 } };
  tokens = {};
  listed = [];
  looks = [];
});

/** As the library uses it, but outside of any request of its own. */
function adapter(model: string) {
  return createAdapter({
    artifacts,
    clock,
    registry: {
      account: async (id) => accounts[id] ?? null,
      client: async (id) => (clients[id] as RegisteredClient | undefined) ?? null,
      api: async () => null,
      roles: async () => [],
      async isListed(clientId, accountId) {
        looks.push(clientId);
        return listed.includes(`${clientId}/${accountId}`);
      },
      apiKey: async () => null,
    },
    accessTokens: { verify: async (token) => (tokens[token] as VerifiedAccessToken | undefined) ?? null },
    refreshTokenIds: { first: () => 'first', successorOf: (token) => `after ${token}` },
    userinfoAudience: USERINFO,
    ...{ beforeSpending: async () => {}, scopeToday: {} as never },
    apiKeys: {} as never,
    ...{
      deviceCodes: createDeviceCodes({ artifacts, keyring, audit: { write: async () => {} } }),
      polls: async () => null,
    },
    sessionLifetime: HOUR,
    ends: {
      grant: async (id: string) => void (await artifacts.endGrant(id)),
      session: async (id: string) => void (await artifacts.endSession(id)),
    },
  } as Parameters<typeof createAdapter>[0])(model);
}

const payload = (values: Record<string, unknown>) => values as AdapterPayload;
const owned = { accountId: 'ada', clientId: 'web' };

describe('what is spent', () => {
  it.each([
    ['AuthorizationCode', errors.InvalidGrant],
    ['RefreshToken', errors.InvalidGrant],
    ['PushedAuthorizationRequest', errors.InvalidRequestUri],
  ])('a %s that somebody else spent is refused in the words of the protocol', async (model, refusal) => {
    await adapter(model).upsert('one', payload({ ...owned, grantId: 'grant' }), 60);
    await adapter(model).consume('one');
    clock.forward(60);
    await expect(adapter(model).consume('one')).rejects.toBeInstanceOf(refusal);
  });

  it('a code that is spent twice takes its grant with it', async () => {
    await adapter('Grant').upsert('grant', payload({ ...owned, jti: 'grant' }), 60);
    await adapter('AuthorizationCode').upsert('code', payload({ ...owned, grantId: 'grant' }), 60);
    await adapter('AuthorizationCode').consume('code');
    expect(await adapter('Grant').find('grant')).toBeDefined();
    await expect(adapter('AuthorizationCode').consume('code')).rejects.toThrow();
    expect(await adapter('Grant').find('grant')).toBeUndefined();
  });

  it('a refresh token is not replaced by a late repeat', async () => {
    const { upsert, consume, find } = adapter('RefreshToken');
    await upsert('token', payload({ ...owned, grantId: 'grant', rotations: 0 }), 60);
    await consume('token');
    await upsert('token', payload({ ...owned, grantId: 'grant', rotations: 1 }), 60);
    expect(await find('token')).toMatchObject({ rotations: 0, consumed: expect.any(Number) });
  });
});

describe('what is found', () => {
  it.each(['Session', 'Grant', 'AuthorizationCode', 'RefreshToken'])(
    'is no %s of an account that ended',
    async (model) => {
      const values = payload({ ...owned, jti: 'one', uid: 'uid', grantId: 'grant' });
      await adapter(model).upsert('one', values, 60);
      expect(await adapter(model).find('one')).toMatchObject({ accountId: 'ada' });
      for (const standing of [{ active: false, notBefore: 0 }, { active: true, notBefore: clock() }, undefined]) {
        accounts = standing ? { ada: standing } : {};
        expect(await adapter(model).find('one')).toBeUndefined();
        if (model === 'Session') expect(await adapter(model).findByUid('uid')).toBeUndefined();
      }
    },
  );

  it.each(['Grant', 'AuthorizationCode', 'RefreshToken'])('is no %s of a client that ended', async (model) => {
    await adapter(model).upsert('one', payload({ ...owned, jti: 'one', grantId: 'grant' }), 60);
    for (const client of [{ status: 'disabled', notBefore: 0 }, { status: 'active', notBefore: clock() }, undefined]) {
      clients = client ? { web: client as RegisteredClient } : {};
      expect(await adapter(model).find('one')).toBeUndefined();
    }
  });

  it.each(['Grant', 'AuthorizationCode', 'RefreshToken'])(
    'is no %s of a client that is closed to its account',
    async (model) => {
      await adapter(model).upsert('one', payload({ ...owned, jti: 'one', grantId: 'grant' }), 60);
      expect(await adapter(model).find('one')).toBeDefined();
      // Of one that is open to everybody, no list is read.
      expect(looks).toEqual([]);
      clients = { web: { ...aClient, notBefore: 0, settings: { ...defaultSettings('web'), accounts: 'listed' } } };
      expect(await adapter(model).find('one')).toBeUndefined();
      listed = ['web/ada'];
      expect(await adapter(model).find('one')).toBeDefined();
      expect(looks).toEqual(['web', 'web']);
    },
  );

  it('is no artifact of another kind, and none by its hash', async () => {
    await adapter('AuthorizationCode').upsert('one', payload({ ...owned, grantId: 'grant' }), 60);
    expect(await adapter('RefreshToken').find('one')).toBeUndefined();
    expect(await adapter('AuthorizationCode').find('~one')).toBeUndefined();
  });
});

describe('an interaction', () => {
  it('keeps neither the session’s id nor the ID token that the request came with', async () => {
    const stored = payload({
      session: { accountId: 'ada', uid: 'uid', cookie: 'the session id' },
      params: { client_id: 'web', id_token_hint: 'an ID token' },
      prompt: { name: 'login', reasons: [], details: { id_token_hint: 'an ID token', hinted_subject: 'ada' } },
    });
    await adapter('Interaction').upsert('one', stored, 60);
    expect(await adapter('Interaction').find('one')).toEqual({
      session: { accountId: 'ada', uid: 'uid' },
      params: { client_id: 'web' },
      prompt: { name: 'login', reasons: [], details: { hinted_subject: 'ada' } },
    });
    // The request that is under way still has what it came with.
    expect(stored).toMatchObject({ session: { cookie: 'the session id' }, params: { id_token_hint: 'an ID token' } });
  });

  it('outlives the grant that it found', async () => {
    await adapter('Interaction').upsert('one', payload({ grantId: 'grant', params: {} }), 60);
    await adapter('Grant').destroy('grant');
    expect(await adapter('Interaction').find('one')).toBeDefined();
    await adapter('Interaction').upsert('one', payload({ grantId: 'grant', params: {}, result: {} }), 60);
    expect(await adapter('Interaction').find('one')).toHaveProperty('result');
  });
});

describe('an access token', () => {
  const token = {
    jti: 'jti',
    iat: 1_700_000_000,
    exp: 1_700_000_900,
    client_id: 'web',
    aud: [USERINFO],
    scope: 'openid',
  };

  async function present(values: Partial<VerifiedAccessToken>, model = 'AccessToken') {
    tokens['a.b.c'] = { ...token, ...values };
    return adapter(model).find('a.b.c');
  }

  beforeEach(() => adapter('Grant').upsert('grant', payload({ ...owned, jti: 'grant' }), 60));

  it('is its grant’s: account and client come from there, whatever the token says of them', async () => {
    const found = await present({ [GRANT_CLAIM]: 'grant', sub: 'somebody', client_id: 'service' });
    expect(found).toMatchObject({
      kind: 'AccessToken',
      accountId: 'ada',
      clientId: 'web',
      grantId: 'grant',
      jti: 'jti',
    });
  });

  it('dies with its grant, by its own denial, and is never a client’s own', async () => {
    expect(await present({ [GRANT_CLAIM]: 'grant' }, 'ClientCredentials')).toBeUndefined();
    expect(await present({ [GRANT_CLAIM]: 'another' })).toBeUndefined();
    await adapter('AccessToken').destroy('jti');
    expect(await present({ [GRANT_CLAIM]: 'grant' })).toBeUndefined();
    expect(await present({ [GRANT_CLAIM]: 'grant', jti: 'other' })).toBeDefined();
    await adapter('Grant').destroy('grant');
    expect(await present({ [GRANT_CLAIM]: 'grant', jti: 'other' })).toBeUndefined();
  });

  it('stays denied for as long as one may live that was issued when lifetimes were longer', async () => {
    const { db, artifacts: store } = openTestState({ clock });
    artifacts = store;
    await adapter('ClientCredentials').destroy('jti');
    clock.forward(LONGEST_ACCESS_TOKEN);
    sweepBatch(db, clock());
    expect(await present({ client_id: 'service' }, 'ClientCredentials')).toBeUndefined();
    const longest = String(LONGEST_ACCESS_TOKEN);
    expect(parseConfig({ ACCESS_TOKEN_LIFETIME: longest }).lifetimes.accessToken).toBe(LONGEST_ACCESS_TOKEN);
    expect(() => parseConfig({ ACCESS_TOKEN_LIFETIME: `${LONGEST_ACCESS_TOKEN + 1}` })).toThrow(longest);
  });

  it('without a grant is a client’s own and nobody’s', async () => {
    expect(await present({ client_id: 'service' })).toBeUndefined();
    const found = await present({ client_id: 'service', aud: 'https://api.example' }, 'ClientCredentials');
    expect(found).toMatchObject({ clientId: 'service', aud: 'https://api.example', extra: { sub: 'service' } });
    expect(found).not.toHaveProperty('accountId');
    clients = { service: { ...aClient, notBefore: token.iat * 1000 } };
    expect(await present({ client_id: 'service' }, 'ClientCredentials')).toBeUndefined();
  });

  it('that is bound to a key or certificate stays bound', async () => {
    const cnf = { jkt: 'thumbprint', 'x5t#S256': 'certificate' };
    expect(await present({ [GRANT_CLAIM]: 'grant', cnf })).toMatchObject(
      cnf && { jkt: 'thumbprint', 'x5t#S256': 'certificate' },
    );
    expect(await present({ client_id: 'service', cnf }, 'ClientCredentials')).toMatchObject({ jkt: 'thumbprint' });
  });

  it('keeps its audience everywhere but at userinfo', async () => {
    expect(await present({ [GRANT_CLAIM]: 'grant' })).toHaveProperty('aud', [USERINFO]);
  });

  it('is not stored', async () => {
    await expect(adapter('AccessToken').upsert('a.b.c', payload({}), 60)).rejects.toThrow();
  });
});

it('what the library does not keep through the adapter is noticed', async () => {
  const { upsert, consume, destroy, findByUid } = adapter('Client');
  for (const call of [upsert('web', payload({}), 60), consume('web'), destroy('web'), findByUid('web')]) {
    await expect(call).rejects.toThrow('Client is not kept');
  }
});
