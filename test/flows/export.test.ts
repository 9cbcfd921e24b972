import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createUserAgent, textOf, type UserAgent } from '../support/user-agent.ts';
import { enter, stepOf, visit } from '../support/visit.ts';
import { atAccount, SEED, send } from './account-visit.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ TRUSTED_PROXIES: '127.0.0.1,::1' });
});
afterAll(() => server[Symbol.asyncDispose]());

const INSTANT = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);

async function download(agent: UserAgent) {
  const page = await send(agent, await agent.follow('/account/export'), 'export');
  return { page, data: page.status === 200 ? JSON.parse(page.html) : null };
}

describe('the export of all data', () => {
  it('holds what is kept, in a file of its own, and is in the trail', async () => {
    const claims = { name: 'Ada Example', locale: 'en' };
    const person = await visit(server, { name: 'Sea Charts', firstParty: false, person: { totpSecret: SEED, claims } });
    const { agent, account, client } = person;
    agent.moveTo('198.51.100.20');
    await enter(person);
    await server.addClient('resource', { id: 'blog', audience: 'https://blog.example.org', scopes: ['posts:read'] });
    const { roles, listedAccounts } = server.app.stores;
    const editor = { id: 'rol_1', apiId: 'blog', name: 'editor', description: '', permissions: [], everyone: false };
    await roles.create(editor, BY_OPERATOR);
    await roles.grant(editor.id, { kind: 'account', id: account.id }, BY_OPERATOR);
    await listedAccounts.add(client.id, account.id, BY_OPERATOR);
    const { page, data } = await download(agent);
    const header = (name: string) => page.headers.get(name) ?? '';
    expect(header('content-type')).toMatch(/^application\/json/);
    expect(header('content-disposition')).toMatch(/^attachment; filename="gatewright-account-\d{4}-\d\d-\d\d\.json"$/);
    expect(header('cache-control')).toBe('no-store');
    expect(header('x-content-type-options')).toBe('nosniff');
    const { activity, ...rest } = data;
    const resources = { [`${server.issuer}/oauth2/userinfo`]: ['openid'] };
    const consent = { since: INSTANT, scopes: ['openid'], claims: [], resources };
    expect(rest).toEqual({
      ...{ format: 1, issuer: server.issuer, exportedAt: INSTANT },
      account: {
        ...{ id: account.id, email: account.email, emailVerified: true, roles: ['user'], status: 'active' },
        ...{ hasPassword: true, createdAt: INSTANT, updatedAt: INSTANT, demandedLevel: null, deletionDueAt: null },
      },
      profile: claims,
      passkeys: [],
      authenticators: [{ name: 'App', addedAt: INSTANT }],
      recoveryCodesLeft: 0,
      sessions: [{ browser: null, system: null, address: '198.51.100.20', signedInAt: INSTANT, lastUsedAt: INSTANT }],
      knownBrowsers: [{ knownSince: INSTANT, lastUsedAt: INSTANT, browser: null, trustedUntil: null }],
      applications: [{ clientId: client.id, name: 'Sea Charts', consent, granted: consent }],
      roles: [{ api: 'https://blog.example.org', name: 'editor' }],
      listedFor: [{ clientId: client.id, name: 'Sea Charts', since: INSTANT }],
    });
    expect(activity[0]).toEqual({
      ...{ at: INSTANT, event: 'account.exported', outcome: 'succeeded', by: 'self', factor: null },
      ...{ address: '198.51.100.20', browser: null, clientId: null, application: null },
    });
    expect(activity.map(({ event }: { event: string }) => event)).toContain('account.created');
  });

  it('holds no secret and nobody else', async () => {
    const other = await visit(server, { person: { claims: { name: 'Somebody Else' } } });
    await enter(other);
    const { id, email } = await server.addAccount({ totpSecret: SEED });
    const operator = { actor: other.account.id, address: '192.0.2.99', requestId: null, browser: 'Safari on macOS' };
    await server.app.stores.accounts.signOut(id, operator);
    const { agent } = await atAccount(server, { email, seed: SEED });
    const { page, data } = await download(agent);
    expect(data.account.id).toBe(id);
    const cookies = [...agent.jar.values()].map(({ value }) => value).filter((value) => value.length > 8);
    const account = await server.app.stores.accounts.find(id);
    const secrets = [SEED, 'argon2', account?.passwordHash ?? '', ...cookies];
    for (const secret of [...secrets, '192.0.2.99', 'Safari', other.account.id, other.account.email, 'Somebody Else']) {
      expect(page.html).not.toContain(secret);
    }
  });

  it('is whole however long the trail is', async () => {
    const { id, email } = await server.addAccount();
    const by = { actor: id, address: '198.51.100.1', requestId: null };
    const { audit } = server.app.stores;
    for (let count = 0; count < 1100; count += 100) {
      await Promise.all(Array.from({ length: 100 }, () => audit.write({ event: 'session.ended', accountId: id }, by)));
    }
    const { agent } = await atAccount(server, { email });
    const { data } = await download(agent);
    // Beside the creation, the sign-in and the export.
    expect(data.activity).toHaveLength(1103);
    const instants = data.activity.map(({ at }: { at: string }) => at);
    expect(instants).toEqual([...instants].sort().reverse());
  });

  it('asks again who somebody is, and for the second factor', async () => {
    await using own = await startTestServer();
    const { email } = await own.addAccount({ totpSecret: SEED });
    const { agent, page } = await atAccount(own, { email, seed: SEED, path: '/account/export' });
    expect(textOf(page.html)).toContain('nobody can sign in with this file');
    own.passTime(5 * 60_000);
    const stale = await send(agent, page, 'export');
    expect(stepOf(stale)).toBe('password');
    expect((await createUserAgent(own.issuer).get('/account/export')).status).toBe(303);
  });

  it('is given five times, and then waits, whatever the address', async () => {
    const { email } = await server.addAccount();
    const { agent } = await atAccount(server, { email });
    for (let count = 0; count < 5; count += 1) {
      agent.moveTo(`198.51.100.${count + 1}`);
      expect((await download(agent)).page.status).toBe(200);
    }
    agent.moveTo('198.51.100.99');
    const { page } = await download(agent);
    expect(page.status).toBe(429);
    expect(Number(page.headers.get('retry-after'))).toBeGreaterThan(60);
    expect(textOf(page.html)).toContain('Too many tries');
    expect((await agent.get('/account')).status).toBe(200);
  });
});
