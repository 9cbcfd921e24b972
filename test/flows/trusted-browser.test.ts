import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { acrOf } from '../../src/assurance/level.ts';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { DAY, MINUTE, toMilliseconds } from '../../src/lib/duration.ts';
import { recoveryPage } from '../attacks/stations.ts';
import { credentialOf } from '../support/passkey-visit.ts';
import { aDevice, addPasskey } from '../support/passkeys.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/server.ts';
import { codeOf } from '../support/sign-in.ts';
import { createUserAgent, type Page, textOf, type UserAgent } from '../support/user-agent.ts';
import { again, ask, stepOf, told, type Visit, type VisitOptions, visit } from '../support/visit.ts';
import { SEED, send } from './account-visit.ts';

/*
 * The attacker knows the password and wants to do without the second factor: with a copy of a cookie, with one that was
 * planted before, with a tick where there is none, or in a browser in which the owner has ended the trust.
 */

const TRUSTING = { SECOND_FACTOR: 'everyone', TRUSTED_BROWSER_DAYS: '30' };
const TRUSTED = { acr: acrOf('trusted-browser'), amr: ['pwd'] };

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer(TRUSTING);
});
afterAll(() => server[Symbol.asyncDispose]());

const aPerson = (options: VisitOptions = {}, site = server) =>
  visit(site, { person: { totpSecret: SEED }, ...options });

/** A form as whoever wants more than is offered sends it. */
function withTick(page: Page): Page {
  return { ...page, forms: page.forms.map((form) => ({ ...form, fields: { ...form.fields, trust: 'yes' } })) };
}

/** Everything is asked for again. */
async function given(person: Pick<Visit, 'party' | 'agent' | 'account'>, parameters = {}, password = PASSWORD) {
  const { authorization, page } = await ask(person, { prompt: 'login', ...parameters });
  return { authorization, page: await person.agent.submit(page, { email: person.account.email, password }) };
}

/** Password and code, and the tick. */
async function trusting(person: Visit, { trust = 'yes', parameters = {} } = {}) {
  const { authorization, page } = await given(person, parameters);
  const back = await person.agent.submit(page, { code: codeOf(SEED), trust });
  return person.party.redeem(back, authorization);
}

const browserCookie = ({ jar }: UserAgent) =>
  [...jar.values()].find(({ name }) => name === 'gatewright-browser')?.value;

function withCookie(value: string | undefined): UserAgent {
  const agent = createUserAgent(server.issuer);
  agent.jar.set('gatewright-browser /', { name: 'gatewright-browser', value: value ?? '', path: '/' });
  return agent;
}

const isTrusted = async ({ account, agent }: Pick<Visit, 'account' | 'agent'>, site = server) => {
  const rows = await site.app.stores.knownBrowsers.listOf(account.id);
  return browserCookie(agent) !== undefined && rows.some(({ trustedUntil }) => trustedUntil !== null);
};

describe('a trusted browser', () => {
  it('is enough beside the password, at a level of its own that names no second factor', async () => {
    const person = await aPerson();
    expect((await trusting(person)).claims()).toMatchObject({ acr: acrOf('two-factor'), amr: ['pwd', 'otp', 'mfa'] });
    const start = Math.floor(Date.now() / 1000);
    const { authorization, page } = await given(person, { max_age: '60' });
    const claims = (await person.party.redeem(page, authorization, { maxAge: 60 })).claims();
    expect(claims).toMatchObject(TRUSTED);
    // As old as the password: an application that limits the age of a sign-in would never be content otherwise.
    expect(claims?.auth_time).toBeGreaterThanOrEqual(start);
    expect((await again(person, { prompt: 'none' })).claims()).toMatchObject(TRUSTED);
  });

  it('is asked for: without the tick the second factor comes each time', async () => {
    const person = await aPerson();
    await trusting(person, { trust: '' });
    expect(stepOf((await given(person)).page)).toBe('totp');
  });

  it('keeps the tick beside a code that was wrong', async () => {
    const person = await aPerson();
    const { page } = await given(person);
    expect(page.html).not.toContain('checked');
    expect((await person.agent.submit(page, { code: '000000', trust: 'yes' })).html).toContain('checked');
    expect((await person.agent.submit(page, { code: '000000', trust: '' })).html).not.toContain('checked');
  });

  it('is asked for the second factor by an application that demands it, whatever the request says', async () => {
    const person = await aPerson();
    await trusting(person);
    const strict = await visit(server, { account: person.account, agent: person.agent, minimumLevel: 'two-factor' });
    for (const parameters of [{}, { acr_values: TRUSTED.acr }, { acr_values: acrOf('one-factor') }]) {
      expect(stepOf((await given(strict, parameters)).page)).toBe('totp');
    }
    expect(stepOf((await given(person, { acr_values: acrOf('two-factor') })).page)).toBe('totp');
    // Nor is the session that it began good for more.
    expect(stepOf((await given(person)).page)).toBeUndefined();
    expect(stepOf((await ask(strict, { acr_values: TRUSTED.acr })).page)).toBe('totp');
    expect(told((await ask(strict, { prompt: 'none' })).page).error).toBe('login_required');
  });

  it('is asked for the second factor by the pages of the account that change it', async () => {
    const person = await aPerson();
    await trusting(person);
    const { agent, account } = person;
    expect((await given(person)).page.url).toContain('code=');
    expect((await agent.get('/account')).status).toBe(200);
    const start = await agent.follow('/account/password');
    const second = await agent.submit(start, { email: account.email, password: PASSWORD });
    // The tick would promise what does not hold here.
    expect([stepOf(second), second.html.includes('name="trust"')]).toEqual(['totp', false]);
    const page = await agent.submit(second, { code: codeOf(SEED, 1) });
    expect(page.url).toBe(`${server.issuer}/account/password`);
    expect(page.html).toContain('name="new_password"');
  });

  it('begins after a recovery code too', async () => {
    const { agent, page, code, party, account } = await recoveryPage(server, 10);
    await agent.submit(await agent.submit(page, { code, trust: 'yes' }), { decision: 'allow' });
    const next = await given({ party, agent, account });
    expect((await party.redeem(next.page, next.authorization)).claims()).toMatchObject(TRUSTED);
  });
});

describe('a browser in which a passkey was the second factor', () => {
  async function withPasskey() {
    const person = await visit(server);
    const device = aDevice();
    await addPasskey(server, person.account.id, device);
    return { ...person, device };
  }

  it('is trusted by the same tick, which stays beside a passkey that was refused', async () => {
    const { device, ...person } = await withPasskey();
    const { authorization, page } = await given(person);
    expect([stepOf(page), page.html.includes('name="trust"'), page.html.includes('checked')]).toEqual([
      ...['passkey', true, false],
    ]);
    expect((await person.agent.submit(page, { credential: '{}', trust: '' })).html).not.toContain('checked');
    const refused = await person.agent.submit(page, { credential: '{}', trust: 'yes' });
    expect([refused.status, refused.html.includes('checked')]).toEqual([422, true]);
    const back = await person.agent.submit(refused, { credential: credentialOf(device, refused), trust: 'yes' });
    expect((await person.party.redeem(back, authorization)).claims()?.['acr']).toBe(acrOf('phishing-resistant'));
    expect(await isTrusted(person)).toBe(true);
    const next = await given(person);
    expect((await person.party.redeem(next.page, next.authorization)).claims()).toMatchObject(TRUSTED);
  });

  it('is not trusted without the tick', async () => {
    const { device, ...person } = await withPasskey();
    const { page } = await given(person);
    await person.agent.submit(page, { credential: credentialOf(device, page), trust: '' });
    expect(browserCookie(person.agent)).toBeTruthy();
    expect(stepOf((await given(person)).page)).toBe('passkey');
  });

  it('is not trusted where the passkey was all there was: no password was proved that it could stand beside', async () => {
    const { device, ...person } = await withPasskey();
    const { page } = await ask(person);
    expect(page.html).not.toContain('name="trust"');
    await person.agent.submit(withTick(page), { credential: credentialOf(device, page), trust: 'yes' });
    expect(browserCookie(person.agent)).toBeTruthy();
    expect(await isTrusted(person)).toBe(false);
    expect(stepOf((await given(person)).page)).toBe('passkey');
  });
});

describe('no trust is begun', () => {
  it('by a tick where none is offered', async () => {
    await using own = await startTestServer({ ...TRUSTING, SECOND_FACTOR: 'optional' });
    const administrator = await aPerson({ person: { totpSecret: SEED, role: 'administrator' } }, own);
    const demanded = await aPerson({ minimumLevel: 'two-factor' }, own);
    const requested = await aPerson({}, own);
    for (const [person, parameters] of [
      [administrator, {}],
      [demanded, {}],
      [requested, { acr_values: acrOf('two-factor') }],
    ] as const) {
      const { page } = await given(person, parameters);
      expect(page.html).not.toContain('name="trust"');
      await person.agent.submit(withTick(page), { code: codeOf(SEED), trust: 'yes' });
      expect(browserCookie(person.agent)).toBeTruthy();
      expect(await isTrusted(person, own)).toBe(false);
    }
    const password = await visit(own);
    const { page } = await ask(password);
    await password.agent.submit(withTick(page), { email: password.account.email, password: PASSWORD, trust: 'yes' });
    expect(browserCookie(password.agent)).toBeTruthy();
    expect(await isTrusted(password, own)).toBe(false);
  });

  it('where the operator gives none, and none that was begun holds once that is so', async () => {
    await using own = await startTestServer(TRUSTING);
    const person = await aPerson({}, own);
    await trusting(person);
    own.config.levels.trustedBrowser = null;
    await own.restart();
    const { page } = await given(person);
    expect([stepOf(page), page.html.includes('name="trust"')]).toEqual(['totp', false]);
  });

  it('by a session that was found in somebody’s hands: the password is not proved', async () => {
    await using own = await startTestServer({ ...TRUSTING, SECOND_FACTOR: 'optional' });
    const person = await visit(own);
    await given(person);
    const totp = { id: 'otp_later', name: 'App', secret: SEED, confirmedStep: 0, recoveryCodeHashes: [] };
    expect(await own.app.stores.accounts.enrolTotp(person.account.id, 1, totp, BY_OPERATOR)).toBe(true);
    own.config.levels.secondFactor = 'everyone';
    await own.restart();
    await addPasskey(own, person.account.id, aDevice());
    const { page: first } = await ask(person);
    const page = await person.agent.follow(`${new URL(first.url).pathname}?method=totp`);
    // The tick would promise what does not hold.
    expect([first, page].map((one) => [stepOf(one), one.html.includes('name="trust"')])).toEqual([
      ...[
        ['passkey', false],
        ['totp', false],
      ],
    ]);
    await person.agent.submit(withTick(page), { code: codeOf(SEED), trust: 'yes' });
    const rows = await own.app.stores.knownBrowsers.listOf(person.account.id);
    expect(rows.map(({ trustedUntil }) => trustedUntil)).toEqual([null]);
  });

  it('a second time by a form that comes again', async () => {
    const person = await aPerson();
    const { page } = await given(person);
    const form = { code: codeOf(SEED), trust: 'yes' };
    await person.agent.submit(page, form);
    const repeated = await person.agent.submit(page, form);
    expect(repeated.status).toBe(400);
    expect(await server.app.stores.knownBrowsers.listOf(person.account.id)).toHaveLength(1);
  });
});

describe('whoever has a copy of the cookie', () => {
  it('needs the password as well', async () => {
    const person = await aPerson();
    await trusting(person);
    const agent = withCookie(browserCookie(person.agent));
    const start = await ask({ ...person, agent });
    expect(stepOf(start.page)).toBe('password');
    const wrong = await agent.submit(start.page, { email: person.account.email, password: 'not this one at all' });
    expect(wrong.status).toBe(422);
    expect(stepOf((await ask({ ...person, agent })).page)).toBe('password');
  });

  it('has five passwords, and then no trusted browser any more', async () => {
    const person = await aPerson();
    await trusting(person);
    const agent = withCookie(browserCookie(person.agent));
    const { page } = await ask({ ...person, agent });
    for (let tries = 0; tries < 5; tries += 1) {
      await agent.submit(page, { email: person.account.email, password: `wrong password ${tries}` });
    }
    const right = await agent.submit(page, { email: person.account.email, password: PASSWORD });
    expect(stepOf(right)).toBe('totp');
  });

  it('gets nothing at another account', async () => {
    const [ada, bob] = [await aPerson(), await aPerson()];
    await trusting(ada);
    expect(stepOf((await given({ ...bob, agent: ada.agent })).page)).toBe('totp');
    expect(stepOf((await given({ ...bob, agent: withCookie(browserCookie(ada.agent)) })).page)).toBe('totp');
  });

  it('that was planted in the browser before it was trusted has the wrong one', async () => {
    const person = await aPerson();
    await trusting(person, { trust: '' });
    const planted = browserCookie(person.agent);
    const { page } = await given(person);
    await person.agent.submit(page, { code: codeOf(SEED, 1), trust: 'yes' });
    expect(browserCookie(person.agent)).not.toBe(planted);
    expect(stepOf((await given({ ...person, agent: withCookie(planted) })).page)).toBe('totp');
    expect(stepOf((await given({ ...person, agent: withCookie(browserCookie(person.agent)) })).page)).toBeUndefined();
  });
});

describe('the trust ends', () => {
  it('with its time', async () => {
    await using own = await startTestServer({ ...TRUSTING, TRUSTED_BROWSER_DAYS: '1' });
    // The server's own clock alone is turned, and pages live by the library's: what is long ago happens first.
    own.passTime(-toMilliseconds(DAY));
    const person = await aPerson({}, own);
    const { page } = await given(person);
    await person.agent.submit(page, { code: codeOf(SEED, -DAY / 30), trust: 'yes' });
    own.passTime(toMilliseconds(DAY - MINUTE));
    expect(stepOf((await given(person)).page)).toBeUndefined();
    own.passTime(toMilliseconds(MINUTE));
    expect(stepOf((await given(person)).page)).toBe('totp');
  });

  it.each([
    [
      'a new password of the operator’s',
      async ({ id, passwordHash }) => void (await ours().setPassword(id, passwordHash as string, BY_OPERATOR)),
    ],
    ['a sign-out everywhere', async ({ id }) => void (await ours().signOut(id, BY_OPERATOR))],
    [
      'another authenticator',
      async ({ id, factorsVersion }) => {
        const totp = { id: `otp_${id}`, name: 'App', secret: SEED, confirmedStep: 0, recoveryCodeHashes: null };
        await ours().enrolTotp(id, factorsVersion, totp, BY_OPERATOR);
      },
    ],
  ] as [string, (account: Visit['account']) => Promise<void>][])('with %s', async (_name, end) => {
    const person = await aPerson();
    await trusting(person);
    await end(person.account);
    expect(stepOf((await given(person)).page)).toBe('totp');
  });

  it('by its owner, one by one or all, where they are listed', async () => {
    const person = await aPerson();
    const { account, agent } = person;
    await trusting(person);
    const elsewhere = { ...person, agent: createUserAgent(server.issuer) };
    const { page } = await given(elsewhere);
    await elsewhere.agent.submit(page, { code: codeOf(SEED, 1), trust: 'yes' });

    const listed = await agent.follow('/account/sessions');
    expect(textOf(listed.html)).toContain('Trusted browsers');
    const ends = listed.forms.filter(({ action }) => action === '/account/trusted-browsers/end');
    expect(ends).toHaveLength(2);
    const [, first = '', second = ''] = listed.html.split('Trusted browsers')[1]?.split('<li>') ?? [];
    expect([first, second].map((one) => one.includes('This browser')).sort()).toEqual([false, true]);
    const [mine, others] = first.includes('This browser') ? ends : ends.toReversed();
    await send(agent, listed, 'trusted-browsers/end', mine?.fields);
    expect(stepOf((await given(person)).page)).toBe('totp');
    expect(stepOf((await given(elsewhere)).page)).toBeUndefined();
    // Somebody else's is as if there were none.
    const bob = await aPerson();
    await trusting(bob);
    const bobs = await bob.agent.follow('/account/sessions');
    const stolen = { browser: others?.fields['browser'] ?? '' };
    expect((await send(bob.agent, bobs, 'trusted-browsers/end', stolen)).status).toBe(404);
    expect(stepOf((await given(elsewhere)).page)).toBeUndefined();

    const there = await elsewhere.agent.follow('/account/sessions');
    const after = await send(elsewhere.agent, there, 'trusted-browsers/end-all');
    expect(textOf(after.html)).not.toContain('Trusted browsers');
    expect(stepOf((await given(elsewhere)).page)).toBe('totp');
    const events = (await server.app.stores.activity.page(account.id, 50, null)).map(({ event }) => event);
    expect(events.filter((event) => event.startsWith('browser.')).sort()).toEqual([
      ...['browser.trust_ended', 'browser.trust_ended', 'browser.trusted', 'browser.trusted'],
    ]);
  });

  it('for a sign-in that is under way, whose password was given before', async () => {
    const person = await aPerson();
    await trusting(person);
    const { page } = await ask(person, { prompt: 'login' });
    const held = await person.agent.post(page, { email: person.account.email, password: PASSWORD });
    const rows = await server.app.stores.knownBrowsers.listOf(person.account.id);
    await server.app.stores.knownBrowsers.endTrust(
      person.account.id,
      rows.map(({ idHash }) => idHash),
      BY_OPERATOR,
    );
    const late = await person.agent.follow(held.headers.get('location') ?? '');
    expect(late.status).toBe(409);
    expect(late.url).toContain(server.issuer);
  });
});

const ours = () => server.app.stores.accounts;
