import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startLogoutReceiver } from '../support/logout-receiver.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/server.ts';
import { codeOf } from '../support/sign-in.ts';
import { createUserAgent, textOf } from '../support/user-agent.ts';
import { again, ask, enter, stepOf, visit } from '../support/visit.ts';
import { atAccount, prove, SEED, send } from './account-visit.ts';
import { DEAD, isAlive } from './session.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ ALLOWED_PRIVATE_NETWORKS: '127.0.0.0/8' });
});
afterAll(() => server[Symbol.asyncDispose]());

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
const MINUTE = 60_000;

describe('the door of the account pages', () => {
  it('sends who is not signed in to sign in, and keeps nothing of it', async () => {
    for (const path of ['/account', '/account/password', '/account/sessions']) {
      const agent = createUserAgent(server.issuer);
      const page = await agent.get(path);
      expect([page.status, page.headers.getSetCookie(), page.headers.get('cache-control')]).toEqual([
        303,
        [],
        'no-store',
      ]);
      expect(page.headers.get('location')).toContain('client_id=gatewright-account');
    }
  });

  it('opens by the normal pages, with the second factor, and goes on to the page that was asked for', async () => {
    const { email } = await server.addAccount({ totpSecret: SEED });
    const agent = createUserAgent(server.issuer);
    const start = await agent.follow('/account/sessions');
    const second = await agent.submit(start, { email, password: PASSWORD });
    expect(stepOf(second)).toBe('totp');
    expect((await agent.get('/account')).status).toBe(303);
    const page = await agent.submit(second, { code: codeOf(SEED) });
    expect(page.url).toBe(`${server.issuer}/account/sessions`);
    expect(textOf(page.html)).toContain('This browser');
  });

  it('gives no code, and its client can do nothing from outside', async () => {
    const { email } = await server.addAccount();
    const { agent } = await atAccount(server, { email });
    const signedIn = await agent.get('/account/sessions').then(() => agent.request(`/oauth2/authorize?${QUERY}`));
    const location = signedIn.headers.get('location') ?? '';
    expect(location).toContain('/account/signed-in?state=sessions');
    expect(location).not.toContain('code=');
    const code = await agent.request(`/oauth2/authorize?${QUERY.replace('=none', '=code')}&${CHALLENGE}`);
    expect(code.headers.get('location') ?? '').toContain('error=');
    const token = await fetch(`${server.issuer}/oauth2/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: 'gatewright-account',
        client_secret: 'x',
      }),
    });
    expect(token.status).toBe(401);
  });

  it('leads to pages of ours alone', async () => {
    const { email } = await server.addAccount();
    const { agent } = await atAccount(server, { email });
    for (const state of ['https://evil.example', '//evil.example', 'sign-out', '../setup']) {
      const page = await agent.get(`/account/signed-in?state=${encodeURIComponent(state)}`);
      expect(new URL(page.headers.get('location') ?? '', server.issuer).href).toBe(`${server.issuer}/account`);
    }
  });

  it('asks a session for the second factor that the policy demands by now', async () => {
    await using own = await startTestServer({ SECOND_FACTOR: 'optional' });
    const { email } = await own.addAccount();
    const { agent } = await atAccount(own, { email });
    expect((await agent.get('/account')).status).toBe(200);
    own.config.levels.secondFactor = 'everyone';
    await own.restart();
    const page = await agent.follow('/account');
    expect(stepOf(page)).toBe('password');
    expect((await agent.get('/account/profile')).status).toBe(303);
  });

  it('is shut at once to an account that was disabled', async () => {
    const person = await visit(server);
    await enter(person);
    const { accounts } = server.app.stores;
    expect((await person.agent.get('/account')).status).toBe(200);
    await accounts.disable(person.account.id, { actor: 'cli', address: null, requestId: null });
    expect((await person.agent.get('/account')).status).toBe(303);
  });
});

const CHALLENGE = `code_challenge=${'A'.repeat(43)}&code_challenge_method=S256`;
const QUERY = new URLSearchParams({
  ...{ client_id: 'gatewright-account', response_type: 'none', scope: 'openid', state: 'sessions' },
}).toString();

describe('the password', () => {
  const NEXT = 'a rather different secret of mine';

  it('is changed after fresh proof; this session stays under a new id, all else ends', async () => {
    const receiver = await startLogoutReceiver();
    const elsewhere = await visit(server, { backchannelLogoutUri: receiver.uri });
    const { email } = elsewhere.account;
    const tokens = await enter(elsewhere, { scope: 'openid offline_access', prompt: 'consent' });
    const { agent } = await atAccount(server, { email });
    const cookieOf = () => [...agent.jar.values()].find(({ name }) => name === 'gatewright')?.value;
    const cookie = cookieOf();
    expect(cookie).toBeTruthy();

    const page = await agent.follow('/account/password');
    const done = await send(agent, page, 'password', { new_password: NEXT });
    expect(done.url).toBe(`${server.issuer}/account?done=password`);
    expect(textOf(done.html)).toContain('Your password is changed');
    expect(cookieOf()).not.toBe(cookie);
    expect((await elsewhere.agent.get('/account')).status).toBe(303);
    expect(await isAlive(server, elsewhere, tokens.access_token)).toEqual(DEAD);
    await expect(elsewhere.party.refresh(tokens.refresh_token as string)).rejects.toThrow();
    await vi.waitFor(() => expect(receiver.tokens.length).toBeGreaterThan(0), 10_000);
    await receiver.close();

    const old = createUserAgent(server.issuer);
    const start = await old.follow('/account');
    expect((await old.submit(start, { email, password: PASSWORD })).status).toBe(422);
    expect((await prove(old, start, { email, password: NEXT })).url).toBe(`${server.issuer}/account`);
  });

  it('is asked for again, with the second factor, once the proof is five minutes old', async () => {
    await using own = await startTestServer();
    const { email } = await own.addAccount({ totpSecret: SEED });
    const { agent, page } = await atAccount(own, { email, seed: SEED, path: '/account/password' });
    expect(page.html).toContain('name="new_password"');
    own.passTime(5 * MINUTE);
    const stale = await send(agent, page, 'password', { new_password: NEXT });
    expect(stepOf(stale)).toBe('password');
    expect((await agent.get('/account/password')).status).toBe(303);
    expect((await agent.get('/account')).status).toBe(200);
    const second = await agent.submit(stale, { email, password: PASSWORD });
    expect(stepOf(second)).toBe('totp');
  });

  it('is refused where it is short, and stays', async () => {
    const { email } = await server.addAccount();
    const { agent, page } = await atAccount(server, { email, path: '/account/password' });
    const refused = await send(agent, page, 'password', { new_password: 'short' });
    expect([refused.status, textOf(refused.html).includes('at least 15 characters')]).toEqual([422, true]);
  });

  it('is refused where it is a guess, by the rules of every new password', async () => {
    const { email } = await server.addAccount();
    const { agent, page } = await atAccount(server, { email, path: '/account/password' });
    const refused = await send(agent, page, 'password', { new_password: `${email}2026` });
    expect([refused.status, textOf(refused.html)]).toEqual([
      422,
      expect.stringContaining('made of your name or address'),
    ]);
  });

  it('is tried so often from one address, and no more', async () => {
    await using own = await startTestServer({ LIMIT_PER_ADDRESS: '3' });
    const { email } = await own.addAccount();
    const { agent, page } = await atAccount(own, { email, path: '/account/password' });
    const statuses = [];
    for (let n = 0; n < 4; n += 1) {
      statuses.push((await send(agent, page, 'password', { new_password: 'short' })).status);
    }
    expect(statuses).toEqual([422, 422, 422, 429]);
    expect((await send(agent, page, 'password', { new_password: NEXT })).status).toBe(429);
  });

  it('changed while the session is ended elsewhere leaves nobody signed in who was signed out', async () => {
    for (let round = 0; round < 4; round += 1) {
      const { email, id } = await server.addAccount();
      const first = await atAccount(server, { email, path: '/account/password' });
      const second = await atAccount(server, { email, path: '/account/sessions' });
      const other = second.page.forms.filter(({ action }) => action === '/account/sessions/end');
      expect(other).toHaveLength(2);
      const changed = send(first.agent, first.page, 'password', { new_password: `${NEXT} ${round}` });
      const ended = send(second.agent, second.page, 'sessions/end-all');
      const [change] = await Promise.all([changed, ended]);
      const alive = (await first.agent.get('/account')).status === 200;
      const { notBefore } = (await server.app.stores.accounts.find(id)) ?? { notBefore: 0 };
      const sessions = (await server.app.stores.artifacts.listOf('Session', id)).filter(
        ({ bornAt }) => bornAt > notBefore,
      );
      expect([sessions.length, (await second.agent.get('/account')).status]).toEqual([alive ? 1 : 0, 303]);
      // Whichever came second decides: the change alone keeps a session.
      if (alive) expect(change.url).toContain('done=password');
    }
  });

  it('changed in a session that somebody ends meanwhile does not begin another one', async () => {
    const { accounts, artifacts } = server.app.stores;
    const { email, id } = await server.addAccount();
    const { agent, page } = await atAccount(server, { email, path: '/account/password' });
    const change = accounts.changePassword;
    const spy = vi.spyOn(accounts, 'changePassword').mockImplementationOnce(async (...given) => {
      const endedAt = await change(...given);
      for (const { payload } of await artifacts.listOf('Session', id)) {
        await artifacts.endSessionOf(id, String(payload['uid']));
      }
      return endedAt;
    });
    const after = await send(agent, page, 'password', { new_password: NEXT });
    spy.mockRestore();
    expect([stepOf(after), await artifacts.listOf('Session', id)]).toEqual(['password', []]);
  });

  it('changed twice at once is changed once', async () => {
    const { email, id } = await server.addAccount();
    const { agent, page } = await atAccount(server, { email, path: '/account/password' });
    const statuses = await Promise.all(
      [1, 2].map(async (n) => (await agent.post(page, { new_password: `${NEXT} number ${n}` })).status),
    );
    expect(statuses.filter((status) => status === 303).length).toBeGreaterThan(0);
    expect((await server.app.stores.accounts.find(id))?.factorsVersion).toBe(2);
  });
});

describe('authenticator apps', () => {
  it('are added by their first code, with recovery codes the first time, renamed and removed', async () => {
    const { email, id } = await server.addAccount();
    const { agent, page } = await atAccount(server, { email, path: '/account/authenticators/new' });
    const seed = seedOn(page);
    expect((await agent.submit(page, { code: '000000' })).status).toBe(422);
    const codes = await agent.submit(page, { code: codeOf(seed) });
    expect(textOf(codes.html)).toContain('Keep these codes');
    expect(await server.app.stores.accounts.recoveryCodesLeft(id)).toBe(10);

    // A second one asks for the first.
    const asked = await agent.follow('/account/authenticators/new');
    expect(stepOf(asked)).toBe('password');
    const next = await prove(agent, asked, { email, seed, stepsAhead: 1 });
    expect(next.url).toBe(`${server.issuer}/account/authenticators/new`);
    const other = seedOn(next);
    expect(other).not.toBe(seed);
    const list = await agent.submit(next, { code: codeOf(other) });
    expect(list.url).toBe(`${server.issuer}/account/authenticators`);
    expect(await server.app.stores.accounts.recoveryCodesLeft(id)).toBe(10);
    const renamed = await send(agent, list, 'authenticators/rename', { name: 'My <b>phone</b>' });
    expect(textOf(renamed.html)).toContain('My <b>phone</b>');
    expect((await server.app.stores.accounts.authenticators(id)).map(({ name }) => name)).toContain('My <b>phone</b>');

    const one = await send(agent, renamed, 'authenticators/remove');
    expect(await server.app.stores.accounts.authenticators(id)).toHaveLength(1);
    await send(agent, one, 'authenticators/remove');
    expect(await server.app.stores.accounts.authenticators(id)).toHaveLength(0);
    expect(await server.app.stores.accounts.recoveryCodesLeft(id)).toBe(0);
  });

  it('keep one where the policy demands it, also when two are removed at once', async () => {
    await using own = await startTestServer({ SECOND_FACTOR: 'everyone' });
    const { email, id, factorsVersion } = await own.addAccount({ totpSecret: SEED });
    const by = { actor: 'cli', address: null, requestId: null };
    const added = { id: 'otp_second', name: 'Second', secret: SEED, confirmedStep: 0, recoveryCodeHashes: null };
    await own.app.stores.accounts.enrolTotp(id, factorsVersion, added, by);
    const { agent, page } = await atAccount(own, { email, seed: SEED, path: '/account/authenticators' });
    const removals = page.forms.filter(({ action }) => action === '/account/authenticators/remove');
    expect(removals).toHaveLength(2);
    await Promise.all(removals.map((form) => agent.post({ ...page, forms: [form] })));
    expect(await own.app.stores.accounts.authenticators(id)).toHaveLength(1);
    const [last] = await own.app.stores.accounts.authenticators(id);
    const form = removals.find(({ fields }) => fields['id'] === last?.id);
    const kept = await agent.follow('/account/authenticators');
    expect(textOf(kept.html)).toContain('the last app stays');
    expect((await agent.post({ ...page, forms: form ? [form] : [] })).status).toBe(409);
  });

  it('of others are as if there were none', async () => {
    const victim = await server.addAccount({ totpSecret: SEED });
    const [theirs] = await server.app.stores.accounts.authenticators(victim.id);
    const { email } = await server.addAccount({ totpSecret: SEED });
    const { agent, page } = await atAccount(server, { email, seed: SEED, path: '/account/authenticators' });
    const pretend = (path: string) => ({
      ...page,
      forms: page.forms
        .filter(({ action }) => action === path)
        .map((form) => ({ ...form, fields: { ...form.fields, id: String(theirs?.id) } })),
    });
    expect((await agent.post(pretend('/account/authenticators/remove'))).status).toBe(404);
    expect((await agent.post(pretend('/account/authenticators/rename'), { name: 'mine' })).status).toBe(404);
    expect(await server.app.stores.accounts.authenticators(victim.id)).toEqual([theirs]);
  });
});

describe('recovery codes', () => {
  it('are made anew after fresh proof, and the old ones are dead', async () => {
    const { email, id } = await server.addAccount({ totpSecret: SEED });
    const { agent, page } = await atAccount(server, { email, seed: SEED, path: '/account/recovery-codes' });
    const shown = await send(agent, page, 'recovery-codes/new');
    const codes = [...shown.html.matchAll(/<li>([a-z0-9-]{14})<\/li>/g)].map(([, code]) => String(code));
    expect([codes.length, shown.headers.get('cache-control')]).toEqual([10, 'no-store']);
    expect(await server.app.stores.accounts.recoveryCodesLeft(id)).toBe(10);
    await send(agent, await agent.follow('/account/recovery-codes'), 'recovery-codes/new');
    const other = createUserAgent(server.issuer);
    const second = await other.submit(await other.follow('/account'), { email, password: PASSWORD });
    const link = /href="([^"]+method=recovery-code)"/.exec(second.html)?.[1] ?? '';
    expect((await other.submit(await other.get(link), { code: String(codes[0]) })).status).toBe(422);
  });
});

describe('sessions', () => {
  it('say browser, system and address; ending one ends its tokens and tells its applications', async () => {
    const receiver = await startLogoutReceiver();
    const elsewhere = await visit(server, { backchannelLogoutUri: receiver.uri });
    const tokens = await enter(elsewhere);
    await elsewhere.agent.request(`/oauth2/authorize?${QUERY}`, { headers: { 'user-agent': FIREFOX } });
    const { agent, page } = await atAccount(server, { email: elsewhere.account.email, path: '/account/sessions' });
    expect(textOf(page.html)).toMatch(/Firefox on Linux 127\.0\.0\.1|Firefox on Linux ::1/);
    expect(page.html.match(/This browser/g)).toHaveLength(1);
    const theirs = page.forms.find(
      ({ action, fields }, at) => action.endsWith('/end') && fields['session'] && isOther(page.html, at),
    );
    expect(theirs).toBeDefined();

    const after = await send(agent, page, 'sessions/end-others');
    expect(after.forms.filter(({ action }) => action === '/account/sessions/end')).toHaveLength(1);
    expect((await agent.get('/account')).status).toBe(200);
    expect((await elsewhere.agent.get('/account')).status).toBe(303);
    expect(await isAlive(server, elsewhere, tokens.access_token)).toEqual(DEAD);
    await vi.waitFor(() => expect(receiver.tokens).toHaveLength(1), 10_000);
    await receiver.close();
  });

  it('are all ended at once, with what stays connected, and every application hears of it', async () => {
    const receiver = await startLogoutReceiver();
    const person = await visit(server, { backchannelLogoutUri: receiver.uri, firstParty: false });
    const tokens = await enter(person, { scope: 'openid offline_access', prompt: 'consent' });
    const page = await person.agent.follow('/account/sessions');
    expect(textOf((await send(person.agent, page, 'sessions/end-all')).html)).toContain('You are signed out');
    expect((await person.agent.get('/account')).status).toBe(303);
    await expect(person.party.refresh(tokens.refresh_token as string)).rejects.toThrow();
    await vi.waitFor(() => expect(receiver.tokens).toHaveLength(1), 10_000);
    await receiver.close();
  });

  it('of others are as if there were none, and nobody is told anything', async () => {
    const receiver = await startLogoutReceiver();
    const victim = await visit(server, { backchannelLogoutUri: receiver.uri });
    await enter(victim);
    const [theirs] = await server.app.stores.artifacts.listOf('Session', victim.account.id);
    const { email } = await server.addAccount();
    const { agent, page } = await atAccount(server, { email, path: '/account/sessions' });
    const forged = page.forms
      .filter(({ action }) => action === '/account/sessions/end')
      .map((form) => ({ ...form, fields: { ...form.fields, session: String(theirs?.payload['uid']) } }));
    expect((await agent.post({ ...page, forms: forged })).status).toBe(404);
    expect((await victim.agent.get('/account')).status).toBe(200);
    await server.app.worker.run();
    expect(receiver.tokens).toEqual([]);
    await receiver.close();
  });

  it('ended in another tab send the form of this one to sign in', async () => {
    const { email, id } = await server.addAccount();
    const { agent, page } = await atAccount(server, { email, path: '/account/profile' });
    expect(textOf((await send(agent, page, 'sign-out')).html)).toContain('You are signed out');
    const late = await send(agent, page, 'profile', { name: 'Late' });
    expect(stepOf(late)).toBe('password');
    expect((await server.app.stores.accounts.find(id))?.claims).toEqual({});
  });

  it('outlive the browser where the box is ticked, and only there', async () => {
    const { email } = await server.addAccount();
    const expiring = async (values: Record<string, string>) => {
      const agent = createUserAgent(server.issuer);
      const start = await agent.follow('/account');
      const step = await agent.submit(start, { email, password: PASSWORD, ...values });
      expect(step.url).toBe(`${server.issuer}/account`);
      const answer = await agent.request(`/oauth2/authorize?${QUERY}`);
      return answer.headers.getSetCookie().filter((line) => /^gatewright=/.test(line) && /expires=/i.test(line)).length;
    };
    expect(await expiring({ remember: 'yes' })).toBe(1);
    expect(await expiring({ remember: 'no' })).toBe(0);
  });
});

describe('applications', () => {
  it('lose their access, its tokens and the consent, and are asked about again', async () => {
    const receiver = await startLogoutReceiver();
    const person = await visit(server, { firstParty: false, backchannelLogoutUri: receiver.uri });
    const tokens = await enter(person, { scope: 'openid email offline_access', prompt: 'consent' });
    const page = await person.agent.follow('/account/applications');
    expect(textOf(page.html)).toContain('Meadow Notes');
    expect(textOf(page.html)).toContain('See your email address');
    const after = await send(person.agent, page, 'applications/end');
    expect(textOf(after.html)).toContain('There are none');
    expect(await isAlive(server, person, tokens.access_token)).toEqual(DEAD);
    await expect(person.party.refresh(tokens.refresh_token as string)).rejects.toThrow();
    expect((await person.agent.get('/account')).status).toBe(200);
    await vi.waitFor(() => expect(receiver.tokens).toHaveLength(1), 10_000);
    await receiver.close();
    await expect(again(person)).rejects.toThrow();
    expect((await send(person.agent, page, 'applications/end')).status).toBe(404);
  });

  it('get no grant out of a consent that is withdrawn while they ask', async () => {
    const { consents, artifacts } = server.app.stores;
    const person = await visit(server, { firstParty: false });
    await enter(person);
    const { id } = person.account;
    const grants = async () =>
      (await artifacts.listOf('Grant', id)).filter(({ payload }) => payload['clientId'] === person.client.id);
    for (const { payload } of await grants()) await artifacts.endGrant(String(payload['jti']));
    const find = consents.find;
    const spy = vi.spyOn(consents, 'find').mockImplementationOnce(async (accountId, clientId) => {
      const found = await find(accountId, clientId);
      await consents.withdraw(accountId, clientId, { actor: id, address: null, requestId: null });
      return found;
    });
    const { page } = await ask(person);
    spy.mockRestore();
    expect([stepOf(page), await grants()]).toEqual(['consent', []]);
  });

  it('of others stay', async () => {
    const victim = await visit(server, { firstParty: false });
    const tokens = await enter(victim);
    const mine = await visit(server, { firstParty: false });
    await enter(mine);
    const page = await mine.agent.follow('/account/applications');
    const refused = await send(mine.agent, page, 'applications/end', { application: victim.client.id });
    expect(refused.status).toBe(404);
    expect(await isAlive(server, victim, tokens.access_token)).toEqual({ userinfo: 200, active: true });
  });
});

describe('the profile', () => {
  it('is what people may say of themselves, and applications see it', async () => {
    const claims = { name: 'Ada', phone_number: '+44 1', phone_number_verified: true };
    const person = await visit(server, { person: { claims } });
    const tokens = await enter(person, { scope: 'openid profile phone' });
    const page = await person.agent.follow('/account/profile');
    const said = { name: 'Ada L.', locale: 'de-CH', zoneinfo: 'Europe/Berlin' };
    const done = await send(person.agent, page, 'profile', { ...said, phone_number: '+1', email: 'evil@example.org' });
    expect(done.url).toBe(`${server.issuer}/account?done=profile`);
    const info = await person.party.userinfo(tokens.access_token, person.account.id);
    expect(info).toMatchObject({ ...claims, ...said });
    expect((await server.app.stores.accounts.find(person.account.id))?.email).toBe(person.account.email);
  });

  it.each([
    ['locale', 'not a language'],
    ['zoneinfo', 'Nowhere/Land'],
    ['name', 'turned \u202e around'],
    ['nickname', 'x'.repeat(101)],
  ])('refuses a %s that says nothing', async (field, text) => {
    const { email } = await server.addAccount();
    const { agent, page } = await atAccount(server, { email, path: '/account/profile' });
    expect((await send(agent, page, 'profile', { [field]: text })).status).toBe(422);
  });
});

describe('a form of the account pages', () => {
  it('is not taken with the token of another session or person', async () => {
    const { email, id } = await server.addAccount();
    const mine = await atAccount(server, { email, path: '/account/profile' });
    const other = await atAccount(server, { email: (await server.addAccount()).email, path: '/account/profile' });
    const again = await atAccount(server, { email, path: '/account/profile' });
    for (const page of [other.page, again.page]) {
      expect((await send(mine.agent, page, 'profile', { name: 'Forged' })).status).toBe(403);
    }
    expect((await server.app.stores.accounts.find(id))?.claims).toEqual({});
  });
});

/** The form is not beside the words that say which browser this is. */
function isOther(html: string, at: number): boolean {
  return !(html.split('<form')[at] ?? '').includes('This browser');
}

function seedOn(page: { html: string; url: string }): string {
  const key = /class="key">([A-Z2-7 ]+)</.exec(page.html)?.[1];
  if (!key) throw new Error(`no key on ${page.url}: ${textOf(page.html)}`);
  return key.replaceAll(' ', '');
}
