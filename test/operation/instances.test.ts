import { decodeProtectedHeader } from 'jose';
import { describe, expect, it } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { addApi, addRole } from '../support/apis.ts';
import { type EngineName, REDIS_URL } from '../support/databases.ts';
import { basic, post } from '../support/endpoint.ts';
import { PASSWORD } from '../support/seed.ts';
import { startTestServer } from '../support/server.ts';
import { allow, codeOf } from '../support/sign-in.ts';
import { again, ask, enter, visit } from '../support/visit.ts';

const SEED = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
const ENGINES: EngineName[] = REDIS_URL ? ['postgresql', 'redis'] : ['postgresql'];

describe.each(ENGINES)('two instances on %s, each request to the other one', (engine) => {
  it('carry a person from the first page to the logout together', async () => {
    await using site = await startTestServer({}, { engine, instances: 2 });
    const person = await visit(site, { firstParty: false, person: { totpSecret: SEED } });
    const { authorization, page } = await ask(person, { scope: 'openid email offline_access', prompt: 'consent' });
    const wrong = await person.agent.submit(page, { email: person.account.email, password: 'not her password' });
    expect(wrong.status).toBe(422);
    const second = await person.agent.submit(wrong, { email: person.account.email, password: PASSWORD });
    const consent = await person.agent.submit(second, { code: codeOf(SEED) });
    const tokens = await person.party.redeem(await allow(person.agent, consent), authorization);
    const info = await person.party.userinfo(tokens.access_token, person.account.id);
    expect(info).toMatchObject({ email: person.account.email });

    let refreshToken = tokens.refresh_token ?? '';
    for (let turn = 0; turn < 5; turn += 1) {
      const next = await person.party.refresh(refreshToken);
      expect((await person.party.introspect(next.access_token)).active).toBe(true);
      refreshToken = next.refresh_token ?? '';
    }
    for (let turn = 0; turn < 5; turn += 1) await again(person, { prompt: 'none' });

    const out = await person.agent.follow(`/oauth2/logout?id_token_hint=${tokens.id_token}`);
    await person.agent.submit(out, { logout: 'yes' });
    const silent = await ask(person, { prompt: 'none' });
    expect(silent.page.url).toContain('error=login_required');
    const [one = 0, other = 0] = site.served;
    expect(Math.abs(one - other)).toBeLessThanOrEqual(1);
  });

  it('count guesses together', async () => {
    await using site = await startTestServer({ LIMIT_PASSWORDS: '4' }, { engine, instances: 2 });
    const person = await visit(site);
    let { page } = await ask(person);
    for (let guess = 0; guess < 4; guess += 1) {
      page = await person.agent.submit(page, { email: person.account.email, password: `guess number ${guess}` });
      expect(page.status).toBe(422);
    }
    const refused = await person.agent.submit(page, { email: person.account.email, password: PASSWORD });
    expect(refused.status).toBe(429);
  });

  it('show no permission that was taken away, whichever is asked and however many ask meanwhile', async () => {
    await using site = await startTestServer({}, { engine, instances: 2 });
    const api = await addApi(site, { permissionsBy: 'role' });
    const person = await visit(site, { audiences: [api.audience], scopes: ['openid', 'posts:read', 'posts:write'] });
    const accounts = [person.account.id];
    const role = await addRole(site, api, 'editor', { permissions: ['posts:read', 'posts:write'], accounts });
    const { access_token: token } = await enter(person, { scope: 'openid posts:read posts:write' });
    const { roles } = site.app.stores;
    const names = { id: role, name: 'editor', description: '', everyone: false };
    for (const permissions of [['posts:read'], ['posts:write', 'posts:read'], []]) {
      const done = { is: false };
      const changing = roles.update({ ...names, permissions }, BY_OPERATOR).then(() => {
        done.is = true;
      });
      const look = async () => {
        const isLate = done.is;
        const { status, body } = await post(site, '/oauth2/introspect', { token }, basic(api));
        return { isLate, status, scope: String(body['scope']).split(' ').slice(1) };
      };
      const early = Array.from({ length: 50 }, look);
      await changing;
      const answers = await Promise.all([...early, ...Array.from({ length: 50 }, look)]);
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
      const late = answers.filter(({ isLate }) => isLate);
      expect(late.length).toBeGreaterThanOrEqual(50);
      for (const { scope } of late) expect(scope.sort()).toEqual(permissions.sort());
    }
  });

  it('sign by an algorithm that an API is the first to want, whichever is asked', async () => {
    await using site = await startTestServer({}, { engine, instances: 2 });
    const api = await addApi(site, { signingAlgorithm: 'ES256' });
    const person = await visit(site, { audiences: [api.audience], scopes: ['openid', 'posts:read'] });
    await enter(person);
    const kids = new Set<string | undefined>();
    for (let turn = 0; turn < 4; turn += 1) {
      const { access_token: token } = await again(person, { scope: 'openid posts:read' });
      kids.add(decodeProtectedHeader(token).kid);
      for (let look = 0; look < 2; look += 1) expect((await person.party.introspect(token)).active).toBe(true);
    }
    expect(kids.size).toBe(1);
  });

  it('know at once of an ended grant and of a disabled account', async () => {
    await using site = await startTestServer({}, { engine, instances: 2 });
    const person = await visit(site);
    const tokens = await enter(person);
    await person.party.revoke(tokens.refresh_token ?? '');
    for (let turn = 0; turn < 2; turn += 1) {
      expect((await person.party.introspect(tokens.access_token)).active).toBe(false);
    }

    const next = await again(person, { prompt: 'none' });
    await site.app.stores.accounts.disable(person.account.id, BY_OPERATOR);
    for (let turn = 0; turn < 2; turn += 1) {
      expect((await person.party.introspect(next.access_token)).active).toBe(false);
    }
  });
});
