import type { WebAuthnEmulator } from 'nid-webauthn-emulator';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { lettersTo } from '../support/letters.ts';
import { byPasskey, credentialOf, optionsOn } from '../support/passkey-visit.ts';
import { aDevice, addPasskey } from '../support/passkeys.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/server.ts';
import { codeOf } from '../support/sign-in.ts';
import { type Page, textOf } from '../support/user-agent.ts';
import { again, ask, enter, stepOf, type Visit, type VisitOptions, visit } from '../support/visit.ts';
import { SEED } from './account-visit.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ LIMIT_PER_ADDRESS: '10000' });
});
afterAll(() => server[Symbol.asyncDispose]());

const ACR = 'urn:gatewright:acr:';
const NOT_ACCEPTED = 'That passkey was not accepted';
const unverified = { userGetAssertionInteraction: () => ({ options: { uv: false, up: true } }) };

async function withPasskey(options: VisitOptions = {}, device = aDevice()) {
  const person = await visit(server, options);
  const passkeyId = await addPasskey(server, person.account.id, device);
  return { ...person, device, passkeyId };
}

/** From the authorization endpoint to the tokens. */
async function enterByPasskey(person: Visit & { device: WebAuthnEmulator }, parameters: Record<string, string> = {}) {
  const { authorization, page } = await ask(person, parameters);
  return person.party.redeem(await byPasskey(person.agent, page, person.device), authorization);
}

const eventsOf = async (accountId: string, event: string) =>
  (await server.app.stores.auditTrail.latest(100, { event })).filter((one) => one.accountId === accountId);

/** A form whose step is still due, and what was said of it. */
function expectRefused(page: Page, step: 'password' | 'passkey'): void {
  expect([page.status, stepOf(page), textOf(page.html)]).toEqual([422, step, expect.stringContaining(NOT_ACCEPTED)]);
}

describe('a passkey on the sign-in page', () => {
  it('is all that it takes: no address, no password, two factors', async () => {
    const person = await withPasskey();
    const before = Math.floor(Date.now() / 1000);
    const { authorization, page } = await ask(person);
    expect(optionsOn(page)).toMatchObject({ rpId: 'localhost', userVerification: 'required' });
    expect(optionsOn(page).allowCredentials).toBeUndefined();
    expect(page.html).toContain('autocomplete="username webauthn"');
    const tokens = await person.party.redeem(await byPasskey(person.agent, page, person.device), authorization);
    const claims = tokens.claims();
    expect(claims).toMatchObject({
      ...{ sub: person.account.id, acr: `${ACR}phishing-resistant`, amr: ['swk', 'user', 'mfa'] },
    });
    expect(claims?.auth_time).toBeGreaterThanOrEqual(before);
    expect(claims?.auth_time).toBeLessThanOrEqual(Math.ceil(Date.now() / 1000));
    expect(await eventsOf(person.account.id, 'passkey.used')).toMatchObject([
      { actor: person.account.id, clientId: person.client.id, detail: `{"credentialId":"${person.passkeyId}"}` },
    ]);
    expect((await again(person, { acr_values: `${ACR}phishing-resistant` })).claims()?.sub).toBe(person.account.id);
  });

  it('stays signed in where that is ticked, and is a browser that is known from then on', async () => {
    const person = await withPasskey();
    const { page } = await ask(person);
    const credential = credentialOf(person.device, page);
    await person.agent.submit(page, { credential, remember: 'yes' });
    expect(person.agent.jar.has('gatewright-browser /')).toBe(true);
    const { url } = await person.party.authorization();
    const answer = await person.agent.request(url);
    const kept = answer.headers.getSetCookie().filter((line) => /^gatewright=/.test(line) && /expires=/i.test(line));
    expect(kept).toHaveLength(1);
  });

  it('is refused where it did not verify its user', async () => {
    const person = await withPasskey({}, aDevice(unverified));
    const { page } = await ask(person);
    const credential = credentialOf(person.device, page, { userVerification: 'discouraged' });
    expectRefused(await person.agent.submit(page, { credential }), 'password');
  });

  it('is refused from another origin, for another challenge, and of nobody', async () => {
    const person = await withPasskey();
    const { page } = await ask(person);
    const { device, agent } = person;
    const elsewhere = JSON.stringify(device.getJSON('http://localhost:1', optionsOn(page)));
    const { page: other } = await ask(await visit(server));
    const changed = { challenge: Buffer.alloc(32).toString('base64url') };
    const stranger = aDevice();
    stranger.createJSON(server.issuer, creation());
    const wrong = [elsewhere, credentialOf(device, other), credentialOf(device, page, changed)];
    for (const credential of [...wrong, credentialOf(stranger, page)]) {
      expectRefused(await agent.submit(page, { credential }), 'password');
    }
    const failed = await eventsOf(person.account.id, 'sign_in.failed');
    // Whose it was is said of nothing that was not verified.
    expect(failed).toEqual([]);
    // The challenge is still the page's own.
    expect((await byPasskey(agent, page, device)).url).toContain('code=');
  });

  it('is refused where its user handle names another account, or nobody', async () => {
    const person = await withPasskey();
    const { account: other } = await withPasskey();
    const { page } = await ask(person);
    const answer = JSON.parse(credentialOf(person.device, page));
    for (const userHandle of [Buffer.from(other.id).toString('base64url'), undefined, null, 'AA']) {
      const credential = JSON.stringify({ ...answer, response: { ...answer.response, userHandle } });
      expectRefused(await person.agent.submit(page, { credential }), 'password');
    }
  });

  it('gives the same answer for a disabled account, a leaving one and a passkey that nobody knows', async () => {
    const known = await withPasskey();
    const disabled = await withPasskey();
    const leaving = await withPasskey();
    await server.app.stores.accounts.disable(disabled.account.id, BY_OPERATOR);
    await server.app.stores.deletions.order(leaving.account.id, 1000, BY_OPERATOR);
    const stranger = aDevice();
    stranger.createJSON(server.issuer, creation());
    const answers: string[] = [];
    for (const device of [disabled.device, leaving.device, stranger]) {
      const { page, agent } = { ...known, ...(await ask(known)) };
      const refused = await agent.post(page, { credential: credentialOf(device, page) });
      expectRefused(refused, 'password');
      answers.push(refused.html.replaceAll(/[\w-]{43}/g, '*'));
    }
    expect(new Set(answers).size).toBe(1);
    for (const { account } of [disabled, leaving]) {
      expect(await eventsOf(account.id, 'sign_in.failed')).toMatchObject([{ detail: '{"factor":"passkey"}' }]);
      expect(await eventsOf(account.id, 'passkey.used')).toEqual([]);
    }
  });

  it('counts once, however often and fast the same answer comes', async () => {
    const person = await withPasskey();
    const { page } = await ask(person);
    const credential = credentialOf(person.device, page);
    const release = meetAtTheLook(10);
    const answers = await Promise.all(Array.from({ length: 10 }, () => person.agent.post(page, { credential })));
    release();
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(303));
    expect(await eventsOf(person.account.id, 'passkey.used')).toHaveLength(1);
    // Too late for it as well: the flow has gone on.
    const late = await person.agent.post(page, { credential });
    expect([303, 422]).toContain(late.status);
    expect(await eventsOf(person.account.id, 'passkey.used')).toHaveLength(1);
  });

  it('is not signed in again by an answer that was overheard', async () => {
    const person = await withPasskey();
    const { page } = await ask(person);
    const credential = credentialOf(person.device, page);
    await person.agent.submit(page, { credential });
    const thief = await visit(server);
    const { page: next } = await ask(thief);
    expectRefused(await thief.agent.submit(next, { credential }), 'password');
  });

  it.each([
    ['nothing', ''],
    ['no JSON', '{'],
    ['null', 'null'],
    ['an array', '[]'],
    ['a string', '"credential"'],
    ['numbers', '{"id":1,"rawId":2,"type":"public-key","response":{"clientDataJSON":3}}'],
    ['no response', '{"id":"AA","rawId":"AA","type":"public-key"}'],
    ['a huge id', JSON.stringify({ id: 'A'.repeat(12_000), rawId: 'A', type: 'public-key', response: {} })],
    ['deep nesting', `${'['.repeat(2000)}${']'.repeat(2000)}`],
    ['a prototype', '{"__proto__":{"id":"A"},"type":"public-key"}'],
  ])('is refused as any other where it is %s', async (_, credential) => {
    const person = await visit(server);
    const { page } = await ask(person);
    expectRefused(await person.agent.submit(page, { credential }), 'password');
  });

  it('is refused as any other where one field of it is another', async () => {
    const person = await withPasskey();
    const { page } = await ask(person);
    const answer = JSON.parse(credentialOf(person.device, page));
    // Escaped, the one that PostgreSQL takes in no text gets through to here.
    const odd = [1, {}, [], '', 'no base64url!', 'A\u0000', 'A'.repeat(9000), true];
    const fields = ['clientDataJSON', 'authenticatorData', 'signature', 'userHandle'];
    const wrong = [
      ...odd.map((value) => ({ ...answer, id: value })),
      ...odd.map((value) => ({ ...answer, rawId: value })),
      { ...answer, type: 'password' },
      ...fields.flatMap((field) =>
        odd.map((value) => ({ ...answer, response: { ...answer.response, [field]: value } })),
      ),
    ];
    for (const each of wrong) {
      const refused = await person.agent.post(page, { credential: JSON.stringify(each) });
      expect([refused.status, each]).toEqual([422, each]);
    }
  });

  it('makes nothing of what another account proved, and is asked for where a session has not enough', async () => {
    const ada = await visit(server);
    await enter(ada);
    const bob = await withPasskey();
    const { authorization, page } = await ask(ada, { acr_values: `${ACR}phishing-resistant` });
    expect([stepOf(page), page.html.includes('data-passkey')]).toEqual(['password', true]);
    const handover = await byPasskey(ada.agent, page, bob.device);
    const tokens = await ada.party.redeem(await ada.agent.submit(handover), authorization);
    expect(tokens.claims()).toMatchObject({ sub: bob.account.id, amr: ['swk', 'user', 'mfa'] });
  });

  it('does not answer the page of a flow that has gone on', async () => {
    const person = await withPasskey({ person: { totpSecret: SEED } });
    const { page } = await ask(person);
    await person.agent.submit(page, { email: person.account.email, password: PASSWORD });
    expectRefused(await byPasskey(person.agent, page, person.device), 'passkey');
  });

  it('answers a page of at least five minutes, and none of ten; the page that says so works', async () => {
    await using own = await startTestServer();
    const person = await visit(own);
    const device = aDevice();
    await addPasskey(own, person.account.id, device);
    for (const [age, accepted] of [
      [5, true],
      [10, false],
    ] as const) {
      const { page } = await ask(person, { prompt: 'login' });
      const credential = credentialOf(device, page);
      own.passTime(age * 60_000);
      const answer = await person.agent.submit(page, { credential });
      if (!accepted) expectRefused(answer, 'password');
      expect((accepted ? answer : await byPasskey(person.agent, answer, device)).url).toContain('code=');
    }
  });

  it('waits where its visitor has failed too often', async () => {
    await using own = await startTestServer({ LIMIT_PER_ADDRESS: '2' });
    const person = await visit(own);
    const { page } = await ask(person);
    for (const status of [422, 422, 429]) {
      const answer = await person.agent.post(page, { credential: '{}' });
      expect(answer.status).toBe(status);
    }
    expect((await own.app.stores.auditTrail.latest(9, { event: 'sign_in.limited' })).length).toBe(1);
  });

  it('is neither offered nor taken with PASSKEYS=off', async () => {
    await using own = await startTestServer({ PASSKEYS: 'off' });
    const person = await visit(own);
    const device = aDevice();
    await addPasskey(own, person.account.id, device);
    const { page } = await ask(person);
    expect(page.html).not.toContain('passkey');
    expect(page.html).not.toContain('webauthn');
    const form = { action: page.url.replace(own.issuer, '').concat('/passkey'), method: 'post', buttons: [] };
    const fields = { csrf: page.forms[0]?.fields['csrf'] ?? '', credential: '{}' };
    const back = await person.agent.submit({ ...page, forms: [{ ...form, fields }] }, { credential: '{}' });
    expect([back.status, stepOf(back)]).toEqual([200, 'password']);
  });
});

describe('a passkey after a password', () => {
  it('is asked of that account alone, and need not verify its user', async () => {
    const person = await withPasskey({}, aDevice(unverified));
    const other = await withPasskey();
    const { authorization, page } = await ask(person);
    const second = await person.agent.submit(page, { email: person.account.email, password: PASSWORD });
    expect(stepOf(second)).toBe('passkey');
    const { allowCredentials, userVerification } = optionsOn(second);
    expect([allowCredentials?.length, userVerification]).toEqual([1, 'preferred']);
    const foreign = credentialOf(other.device, second, { allowCredentials: [] });
    expectRefused(await person.agent.submit(second, { credential: foreign }), 'passkey');
    const tokens = await person.party.redeem(await byPasskey(person.agent, second, person.device), authorization);
    expect(tokens.claims()).toMatchObject({ acr: `${ACR}phishing-resistant`, amr: ['pwd', 'swk', 'user', 'mfa'] });
    expect(await eventsOf(other.account.id, 'passkey.used')).toEqual([]);
    expect(await eventsOf(person.account.id, 'sign_in.failed')).toHaveLength(1);
  });

  it('is a key that stays on its device, without a user handle', async () => {
    const person = await withPasskey({}, aDevice({ stateless: true }));
    const { authorization, page } = await ask(person);
    const second = await person.agent.submit(page, { email: person.account.email, password: PASSWORD });
    const device = person.device;
    const elsewhere = { ...optionsOn(second), rpId: 'evil.example' };
    const wrong = JSON.stringify(device.getJSON(server.issuer, elsewhere, [server.issuer]));
    expectRefused(await person.agent.submit(second, { credential: wrong }), 'passkey');
    const tokens = await person.party.redeem(await byPasskey(person.agent, second, device), authorization);
    expect(tokens.claims()).toMatchObject({ amr: ['pwd', 'hwk', 'user', 'mfa'] });
  });

  it('is one of several ways, each of which leads to the others', async () => {
    const person = await withPasskey({ person: { totpSecret: SEED } });
    const { page } = await ask(person);
    const second = await person.agent.submit(page, { email: person.account.email, password: PASSWORD });
    expect(waysOn(second)).toEqual(['totp', 'recovery-code']);
    const totp = await person.agent.get(`${second.url}?method=totp`);
    expect([stepOf(totp), ...waysOn(totp)]).toEqual(['totp', 'passkey', 'recovery-code']);
    const code = await person.agent.get(`${second.url}?method=recovery-code`);
    expect([stepOf(code), ...waysOn(code)]).toEqual(['recovery-code', 'passkey', 'totp']);
    expect((await person.agent.submit(totp, { code: codeOf(SEED) })).url).toContain('code=');
  });

  it('says what to do where there are no scripts', async () => {
    const person = await withPasskey();
    const { page } = await ask(person);
    const second = await person.agent.submit(page, { email: person.account.email, password: PASSWORD });
    expect(second.html).toMatch(/<p data-without-passkeys>This browser cannot use passkeys/);
    expect(second.html).toMatch(/<form [^>]*data-passkey="get"[^>]* hidden>/);
    expectRefused(await person.agent.submit(second, { credential: '' }), 'passkey');
  });

  it('alone is asked for where only it is missing', async () => {
    const person = await withPasskey({ person: { totpSecret: SEED } });
    const start = await ask(person);
    const second = await person.agent.submit(start.page, { email: person.account.email, password: PASSWORD });
    const totp = await person.agent.get(`${second.url}?method=totp`);
    const first = await person.party.redeem(
      await person.agent.submit(totp, { code: codeOf(SEED) }),
      start.authorization,
    );
    expect(first.claims()).toMatchObject({ acr: `${ACR}two-factor`, amr: ['pwd', 'otp', 'mfa'] });
    const { authorization, page } = await ask(person, { acr_values: `${ACR}phishing-resistant` });
    expect([stepOf(page), ...waysOn(page)]).toEqual(['passkey', 'password']);
    const password = await person.agent.get(`${page.url}?method=password`);
    expect([stepOf(password), ...waysOn(password)]).toEqual(['password', 'passkey']);
    expect(password.html).not.toContain('data-passkey');
    const tokens = await person.party.redeem(await byPasskey(person.agent, page, person.device), authorization);
    const claims = tokens.claims();
    expect(claims).toMatchObject({ acr: `${ACR}phishing-resistant`, amr: ['pwd', 'otp', 'swk', 'user', 'mfa'] });
    expect(claims?.auth_time).toBe(first.claims()?.auth_time);
  });

  it('counts no more where it was removed meanwhile', async () => {
    const person = await withPasskey({ firstParty: false });
    const { page } = await ask(person);
    const { accounts, passkeys } = server.app.stores;
    const account = await accounts.find(person.account.id);
    if (!account) throw new Error('nobody');
    const credential = credentialOf(person.device, page);
    const { find } = accounts;
    // Between the look at it and its use.
    accounts.find = async (id) => {
      accounts.find = find;
      const found = await find(id);
      await passkeys.remove(account, person.passkeyId, BY_OPERATOR);
      return found;
    };
    // The first look at an account on this way is the one that follows the verification.
    expectRefused(await person.agent.submit(page, { credential }), 'password');
    expect(await eventsOf(account.id, 'passkey.counter_refused')).toEqual([]);
  });
});

describe('the counter of a passkey', () => {
  /** From now on it signs with the value that it had: it, or a copy of it. */
  function stop({ authenticator }: WebAuthnEmulator): void {
    authenticator.params = { ...authenticator.params, signCounterIncrement: 0 };
  }

  it('is refused where it has not grown; its owner is told, and nobody else is', async () => {
    const person = await withPasskey();
    await enterByPasskey(person);
    stop(person.device);
    const { page } = await ask(person, { prompt: 'login' });
    expectRefused(await byPasskey(person.agent, page, person.device), 'password');
    const { account, client } = person;
    expect(await eventsOf(account.id, 'passkey.counter_refused')).toMatchObject([
      { clientId: client.id, outcome: 'refused', detail: `{"credentialId":"${person.passkeyId}"}` },
    ]);
    expect(await eventsOf(account.id, 'passkey.used')).toHaveLength(1);
    // Another letter may be on its way just then, and this one comes after it.
    const told = expect.arrayContaining(['A passkey of your account was refused']);
    const subjects = async () => (await lettersTo(server, account.email)).map(({ subject }) => subject);
    await vi.waitFor(async () => expect(await subjects()).toEqual(told), { timeout: 20_000 });
    // Nothing is proved by it: a look at the flow shows the same page.
    expect(stepOf(await person.agent.get(page.url))).toBe('password');
  });

  it('may stay at zero', async () => {
    const person = await withPasskey({}, aDevice({ signCounterIncrement: 0 }));
    await enterByPasskey(person);
    await enterByPasskey(person, { prompt: 'login' });
    expect(await eventsOf(person.account.id, 'passkey.used')).toHaveLength(2);
  });

  it('is nothing to go by with PASSKEY_COUNTERS=accept', async () => {
    await using own = await startTestServer({ PASSKEY_COUNTERS: 'accept' });
    const person = await visit(own);
    const device = aDevice();
    await addPasskey(own, person.account.id, device);
    await enterByPasskey({ ...person, device });
    stop(device);
    expect((await enterByPasskey({ ...person, device }, { prompt: 'login' })).claims()?.sub).toBe(person.account.id);
  });
});

/** Lets `count` requests verify before any of them spends the challenge. */
function meetAtTheLook(count: number): () => void {
  const { passkeys } = server.app.stores;
  const { findByCredential } = passkeys;
  const all = Promise.withResolvers<void>();
  let arrived = 0;
  passkeys.findByCredential = async (id) => {
    arrived += 1;
    if (arrived === count) all.resolve();
    await all.promise;
    return findByCredential(id);
  };
  return () => {
    passkeys.findByCredential = findByCredential;
  };
}

const waysOn = (page: Page) => [...page.html.matchAll(/href="[^"]+\?method=([a-z-]+)"/g)].map(([, form]) => form);

const creation = () =>
  ({
    ...{ rp: { id: 'localhost', name: 'x' }, user: { id: 'AAAA', name: 'x', displayName: 'x' } },
    ...{ challenge: 'AAAA', pubKeyCredParams: [{ type: 'public-key', alg: -7 }] },
  }) as Parameters<WebAuthnEmulator['createJSON']>[1];
