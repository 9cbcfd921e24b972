import { decodeJwt } from 'jose';
import * as openid from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { addApi, addRole, change, type TestApi } from '../support/apis.ts';
import { addDevices, askAsDevice, connect, poll } from '../support/devices.ts';
import { basic, post, userinfo } from '../support/endpoint.ts';
import { createRelyingParty } from '../support/relying-party.ts';
import { startTestServer, type TestClient, type TestServer } from '../support/server.ts';
import { allow, signIn } from '../support/sign-in.ts';
import { createUserAgent, textOf } from '../support/user-agent.ts';
import { again, ask, enter, told, type Visit, type VisitOptions, visit } from '../support/visit.ts';

const ALL = 'openid posts:read posts:write posts:delete';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ SECOND_FACTOR: 'optional' });
});
afterAll(() => server[Symbol.asyncDispose]());

const wordsOf = (text: unknown) =>
  String(text ?? '')
    .split(' ')
    .sort();
const claimsOf = (token: string) => decodeJwt(token) as { scope?: string; roles?: string[]; aud: string | string[] };

/** An application that may ask for all that there is at an API, and somebody before it. */
async function visitorOf(api: TestApi, options: VisitOptions = {}): Promise<Visit> {
  return visit(server, { audiences: [api.audience], scopes: ALL.split(' '), ...options });
}

async function introspect(caller: Pick<TestClient, 'id' | 'secret'>, token: string | undefined) {
  return (await post(server, '/oauth2/introspect', { token: token ?? '' }, basic(caller))).body;
}

describe('what a person may do at an API', () => {
  it('is what client, consent and roles all allow, where the API goes by roles', async () => {
    const api = await addApi(server, { permissionsBy: 'role' });
    const person = await visitorOf(api, { scopes: ['openid', 'posts:read', 'posts:write'] });
    const accounts = [person.account.id];
    await addRole(server, api, 'editor', { permissions: ['posts:read', 'posts:delete'], accounts });
    await addRole(server, api, 'author', { permissions: ['posts:write'], accounts });
    await addRole(server, api, 'owner', { permissions: ['posts:delete'] });
    const tokens = await enter(person, { scope: 'openid posts:read posts:delete' });
    const claims = claimsOf(tokens.access_token);
    expect(wordsOf(claims.scope)).toEqual(['openid', 'posts:read']);
    expect(tokens.scope).toBe(claims.scope);
    expect(claims.roles).toEqual(['author', 'editor']);
  });

  it('is nothing without a role there, and signing in works all the same', async () => {
    const api = await addApi(server, { permissionsBy: 'role' });
    const other = await addApi(server, { permissionsBy: 'role' });
    const person = await visitorOf(api, { firstParty: false });
    await addRole(server, other, 'editor', { permissions: ['posts:read'], accounts: [person.account.id] });
    await addRole(server, api, 'editor', { permissions: ['posts:read'] });
    const tokens = await enter(person, { scope: ALL });
    const claims = claimsOf(tokens.access_token);
    expect([claims.scope, claims.roles, tokens.scope]).toEqual(['openid', undefined, 'openid']);
    expect((await userinfo(server, tokens.access_token)).status).toBe(200);
    expect(tokens.claims()?.sub).toBe(person.account.id);

    // Also where the API learns nothing of the person.
    await change(server, person.client, { userinfoWithApi: false });
    const apart = await again(person, { scope: ALL });
    expect(claimsOf(apart.access_token).scope).toBeUndefined();
    expect(apart.claims()?.sub).toBe(person.account.id);
  });

  it('is no scope of OpenID Connect, also at an API that was registered with one', async () => {
    const reserved = ['openid', 'email', 'offline_access'];
    const api = await addApi(server, {}, [...reserved, 'posts:read']);
    const scope = [...reserved, 'posts:read'].join(' ');
    const person = await visitorOf(api, { scopes: scope.split(' '), userinfoWithApi: false });
    const { access_token: token } = await enter(person, { scope });
    expect([claimsOf(token).scope, claimsOf(token).aud]).toEqual(['posts:read', api.audience]);
    expect((await userinfo(server, token)).status).toBe(403);

    const service = await server.addClient('service', { audiences: [api.audience], scopes: scope.split(' ') });
    const asked = { grant_type: 'client_credentials', scope };
    expect((await post(server, '/oauth2/token', asked, basic(service))).body['scope']).toBe('posts:read');
  });

  it('is refused where not even a sign-in is left of what was asked', async () => {
    const api = await addApi(server, { permissionsBy: 'role' });
    const person = await visitorOf(api);
    await enter(person, { scope: 'openid' });
    const url = new URL((await person.party.authorization({ scope: 'posts:read' })).url);
    url.searchParams.delete('nonce');
    expect(told(await person.agent.follow(url.href)).error).toBe('access_denied');
  });

  it('is what everybody may do there besides', async () => {
    const api = await addApi(server, { permissionsBy: 'role' });
    await addRole(server, api, 'reader', { permissions: ['posts:read'], everyone: true });
    const tokens = await enter(await visitorOf(api), { scope: ALL });
    const { scope, roles } = claimsOf(tokens.access_token);
    expect([wordsOf(scope), roles]).toEqual([['openid', 'posts:read'], ['reader']]);
  });

  it('is what was consented to where the API goes by consent, and roles are told', async () => {
    const api = await addApi(server);
    const person = await visitorOf(api);
    await addRole(server, api, 'editor', { permissions: ['posts:read'], accounts: [person.account.id] });
    const { scope, roles } = claimsOf((await enter(person, { scope: ALL })).access_token);
    expect([wordsOf(scope), roles]).toEqual([wordsOf(ALL), ['editor']]);
  });

  it('is told to that API alone: no role in a token for another one, or for userinfo', async () => {
    const [api, other] = [await addApi(server), await addApi(server)];
    const person = await visitorOf(api, { audiences: [other.audience, api.audience] });
    await addRole(server, api, 'editor', { permissions: ['posts:read'], accounts: [person.account.id] });
    const elsewhere = await enter(person, { scope: ALL });
    expect(claimsOf(elsewhere.access_token).aud).toContain(other.audience);
    expect(claimsOf(elsewhere.access_token)).not.toHaveProperty('roles');
    expect(elsewhere.claims()).not.toHaveProperty('roles');
    expect(claimsOf((await again(person, { scope: ALL, resource: api.audience })).access_token).roles).toEqual([
      'editor',
    ]);
    const alone = await again(await visit(server, { account: person.account, agent: person.agent }));
    expect(claimsOf(alone.access_token)).not.toHaveProperty('roles');
  });

  it('is asked for as far as they may, and once more when they may more', async () => {
    const api = await addApi(server, { permissionsBy: 'role' });
    const person = await visitorOf(api, { firstParty: false });
    const { id } = person.account;
    const role = await addRole(server, api, 'reader', { permissions: ['posts:read'], accounts: [id] });
    const first = await ask(person, { scope: ALL });
    const { account, agent } = person;
    const page = await agent.submit(first.page, { email: account.email, password: 'correct horse battery staple' });
    expect(textOf(page.html)).toContain('posts:read');
    expect(textOf(page.html)).not.toContain('posts:write');
    const tokens = await person.party.redeem(await allow(agent, page), first.authorization);
    // Whoever may no more than before is not asked again.
    await again(person, { scope: ALL });

    await server.app.stores.roles.update(
      { id: role, name: 'reader', description: '', permissions: ['posts:read', 'posts:write'], everyone: false },
      BY_OPERATOR,
    );
    // What was not consented to comes by no refresh.
    const refreshed = await person.party.refresh(tokens.refresh_token ?? '');
    expect(wordsOf(claimsOf(refreshed.access_token).scope)).toEqual(['openid', 'posts:read']);
    const second = await ask(person, { scope: ALL });
    expect(textOf(second.page.html)).toContain('posts:write');
    const more = await person.party.redeem(await allow(agent, second.page), second.authorization);
    expect(wordsOf(more.scope)).toEqual(['openid', 'posts:read', 'posts:write']);
    await again(person, { scope: ALL });
  });

  it('is not told to a stranger before the sign-in, nor forced by parameters', async () => {
    const api = await addApi(server, { permissionsBy: 'role' });
    const person = await visitorOf(api);
    await enter(person, { scope: ALL });
    const pushed = await post(
      server,
      '/oauth2/par',
      {
        ...Object.fromEntries(new URL((await person.party.authorization({ scope: ALL })).url).searchParams),
        ...{ roles: 'editor', permissions: 'posts:delete', claims: '{"id_token":{"roles":{"essential":true}}}' },
      },
      basic(person.client),
    );
    const { id } = person.client;
    const page = await person.agent.follow(
      `/oauth2/authorize?${new URLSearchParams({ client_id: id, request_uri: String(pushed.body['request_uri']) })}`,
    );
    expect(told(page).code).toBeDefined();
    const { access_token } = await again(person, { scope: ALL, roles: 'editor' });
    expect(claimsOf(access_token)).toMatchObject({ scope: 'openid' });
    expect(claimsOf(access_token)).not.toHaveProperty('roles');
  });

  it('holds for a device that they connect', async () => {
    const api = await addApi(server, { permissionsBy: 'role' });
    const device = await addDevices(server, { audiences: [api.audience], scopes: ALL.split(' ') });
    const account = await server.addAccount();
    await addRole(server, api, 'reader', { permissions: ['posts:read'], accounts: [account.id] });
    const shown = await askAsDevice(server, device, { scope: ALL });
    await connect(createUserAgent(server.issuer), shown.body.user_code, account);
    const { body } = await poll(server, device, shown.body.device_code);
    const { scope, roles } = claimsOf(body.access_token ?? '');
    expect([wordsOf(scope), roles]).toEqual([['openid', 'posts:read'], ['reader']]);
  });

  it('is what it is when the code is redeemed, not when it was made', async () => {
    const api = await addApi(server, { permissionsBy: 'role' });
    const person = await visitorOf(api);
    const role = await addRole(server, api, 'editor', { permissions: ['posts:read'], accounts: [person.account.id] });
    const { authorization, page } = await ask(person, { scope: ALL });
    const back = await signIn(person.agent, page, person.account);
    await server.app.stores.roles.delete(role, BY_OPERATOR);
    expect((await person.party.redeem(back, authorization)).scope).toBe('openid');
  });
});

describe('what a machine may do at an API', () => {
  async function tokenOf(client: TestClient, parameters: Record<string, string>) {
    const { config } = await createRelyingParty(server, client);
    return openid.clientCredentialsGrant(config, parameters);
  }

  it('is what it is registered with and what its roles give, whatever the API goes by', async () => {
    for (const permissionsBy of ['consent', 'role'] as const) {
      const api = await addApi(server, { permissionsBy });
      const service = await server.addClient('service', { audiences: [api.audience], scopes: ['posts:read'] });
      const clients = [service.id];
      await addRole(server, api, 'cleaner', { permissions: ['posts:delete'], clients });
      // Those of people are not a machine's.
      await addRole(server, api, 'reader', { permissions: ['posts:write'], everyone: true });
      const tokens = await tokenOf(service, { scope: ALL });
      const { scope, roles } = claimsOf(tokens.access_token);
      expect([wordsOf(scope), roles]).toEqual([['posts:delete', 'posts:read'], ['cleaner']]);
      expect(tokens.scope).toBe(scope);
      expect(wordsOf((await introspect(api, tokens.access_token))['scope'])).toEqual(['posts:delete', 'posts:read']);
    }
  });

  it('ends at once where the API asks us', async () => {
    const api = await addApi(server);
    const service = await server.addClient('service', { audiences: [api.audience], scopes: ['posts:read'] });
    const role = await addRole(server, api, 'cleaner', { permissions: ['posts:delete'], clients: [service.id] });
    const { access_token } = await tokenOf(service, { scope: ALL });
    expect(await introspect(api, access_token)).toMatchObject({ roles: ['cleaner'] });
    await server.app.stores.roles.revoke(role, { kind: 'client', id: service.id }, BY_OPERATOR);
    const after = await introspect(api, access_token);
    expect(after).toMatchObject({ active: true, scope: 'posts:read', sub: service.id });
    expect(after).not.toHaveProperty('roles');
    expect((await tokenOf(service, { scope: ALL })).scope).toBe('posts:read');
  });
});

describe('a change of roles', () => {
  const PERMISSIONS = ['posts:read', 'posts:write'];
  const WITHOUT = { name: 'editor', description: '', permissions: ['posts:read'], everyone: false };

  async function editor(options: VisitOptions = {}) {
    const api = await addApi(server, { permissionsBy: 'role' });
    const person = await visitorOf(api, options);
    const accounts = [person.account.id];
    const role = await addRole(server, api, 'editor', { permissions: PERMISSIONS, accounts });
    return { api, person, role, tokens: await enter(person, { scope: ALL }) };
  }
  type Editor = Awaited<ReturnType<typeof editor>>;

  it.each<[string, (editor: Editor) => Promise<unknown>, string, string[] | undefined]>([
    [
      'a role taken from somebody',
      ({ role, person }) =>
        server.app.stores.roles.revoke(role, { kind: 'account', id: person.account.id }, BY_OPERATOR),
      'openid',
      undefined,
    ],
    ['a role that was deleted', ({ role }) => server.app.stores.roles.delete(role, BY_OPERATOR), 'openid', undefined],
    [
      'a permission taken out of a role',
      ({ role }) => server.app.stores.roles.update({ id: role, ...WITHOUT }, BY_OPERATOR),
      'openid posts:read',
      ['editor'],
    ],
    [
      'a permission that the API gave up',
      ({ api }) => change(server, api, { scopes: ['posts:read'] }),
      'openid posts:read',
      ['editor'],
    ],
    [
      'a scope that the client lost',
      ({ person }) => change(server, person.client, { scopes: ['openid', 'posts:read'] }),
      'openid posts:read',
      ['editor'],
    ],
  ])('counts at once where an API introspects, and in the next token: %s', async (_what, happens, scope, held) => {
    const { api, person, role, tokens } = await editor();
    for (const caller of [api, person.client]) {
      const before = await introspect(caller, tokens.access_token);
      expect([wordsOf(before['scope']), before['roles']]).toEqual([['openid', ...PERMISSIONS], ['editor']]);
    }
    await happens({ api, person, role, tokens });
    for (const caller of [api, person.client]) {
      const after = await introspect(caller, tokens.access_token);
      expect(after['active']).toBe(true);
      expect([wordsOf(after['scope']), after['roles']]).toEqual([wordsOf(scope), held]);
    }
    expect(wordsOf((await introspect(person.client, tokens.refresh_token))['scope'])).toEqual(wordsOf(scope));
    const next = await person.party.refresh(tokens.refresh_token ?? '');
    expect(wordsOf(next.scope)).toEqual(wordsOf(scope));
    const { scope: said, roles: told } = claimsOf(next.access_token);
    expect([wordsOf(said), told]).toEqual([wordsOf(scope), held]);
  });

  it('gives with the next refresh what was consented to before', async () => {
    const { person, role, tokens } = await editor();
    const holder = { kind: 'account', id: person.account.id } as const;
    await server.app.stores.roles.revoke(role, holder, BY_OPERATOR);
    const without = await person.party.refresh(tokens.refresh_token ?? '');
    expect(without.scope).toBe('openid');
    await server.app.stores.roles.grant(role, holder, BY_OPERATOR);
    const back = await person.party.refresh(without.refresh_token ?? '');
    expect(wordsOf(back.scope)).toEqual(['openid', ...PERMISSIONS]);
    // But a token says at most what stood in it.
    expect((await introspect(person.client, without.access_token))['scope']).toBe('openid');
  });

  it.each<[string, (editor: Editor) => Promise<unknown>]>([
    ['disabled', ({ api }) => server.app.stores.clients.setStatus(api.id, 'disabled', BY_OPERATOR)],
    ['deleted', ({ api }) => server.app.stores.clients.delete(api.id, BY_OPERATOR)],
    ['closed to the client', ({ person }) => change(server, person.client, { audiences: [] })],
  ])('an API that is %s leaves no token for it, and can leave them revoked', async (_what, happens) => {
    const { api, person, role, tokens } = await editor();
    await happens({ api, person, role, tokens });
    for (const token of [tokens.access_token, tokens.refresh_token]) {
      expect(await introspect(person.client, token)).toEqual({ active: false });
    }
    const parameters = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token ?? '' };
    const refused = await post(server, '/oauth2/token', parameters, basic(person.client));
    expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_target' } });
    // The token was not spent on that: an application that asks again after a while is not taken for a thief.
    expect((await userinfo(server, tokens.access_token)).status).toBe(200);
    await person.party.revoke(tokens.access_token);
    expect((await userinfo(server, tokens.access_token)).status).toBe(401);
  });

  it('shows no removed permission once it is done, however many ask meanwhile', async () => {
    const { api, role, tokens } = await editor();
    const asked: Promise<{ begunAt: number; status: number; scope: string[] }>[] = [];
    let doneAt = Number.POSITIVE_INFINITY;
    const done = server.app.stores.roles.update({ id: role, ...WITHOUT }, BY_OPERATOR).then(() => {
      doneAt = performance.now();
    });
    const look = async () => {
      const begunAt = performance.now();
      const { status, body } = await post(server, '/oauth2/introspect', { token: tokens.access_token }, basic(api));
      return { begunAt, status, scope: wordsOf(body['scope']) };
    };
    for (let turn = 0; turn < 4; turn += 1) {
      asked.push(...Array.from({ length: 25 }, look));
      if (turn === 1) await done;
    }
    const answers = await Promise.all(asked);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const late = answers.filter(({ begunAt }) => begunAt >= doneAt);
    expect(late.length).toBeGreaterThanOrEqual(50);
    for (const { scope } of late) expect(scope).toEqual(['openid', 'posts:read']);
  });
});
