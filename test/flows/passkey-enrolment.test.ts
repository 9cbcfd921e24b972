import type { WebAuthnEmulator } from 'nid-webauthn-emulator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRecoveryCodes } from '../../src/accounts/recovery-codes.ts';
import { acrOf } from '../../src/assurance/level.ts';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { MINUTE, toMilliseconds } from '../../src/lib/duration.ts';
import { lettersTo } from '../support/letters.ts';
import { createdOn, creationOptionsOn } from '../support/new-passkey.ts';
import { aDevice, addPasskey } from '../support/passkeys.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/server.ts';
import { allow, codeOf } from '../support/sign-in.ts';
import { createUserAgent, type Page, textOf, type UserAgent } from '../support/user-agent.ts';
import { again, ask, enter, stepOf, told, type Visit, type VisitOptions, visit } from '../support/visit.ts';

/*
 * The attacker knows a password, or holds a session, and wants a passkey of theirs in the account; or has an answer of an
 * authenticator from elsewhere, and wants it taken here, or taken again.
 */

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ LIMIT_PER_ADDRESS: '10000' });
});
afterAll(() => server[Symbol.asyncDispose]());

const SEED = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
const BEST = acrOf('phishing-resistant');
const DEMANDING: VisitOptions = { minimumLevel: 'phishing-resistant' };

const passkeysOf = (id: string, at = server) => at.app.stores.passkeys.ofAccount(id);
const methodAt = (page: Page, method: string) => `${new URL(page.url).pathname}?method=${method}`;

/** Somebody who has given the password to an application that takes nobody without a passkey. */
async function asked(options: VisitOptions = {}, at = server) {
  const person = await visit(at, { ...DEMANDING, ...options });
  const { page: start, authorization } = await ask(person);
  const page = await person.agent.submit(start, { email: person.account.email, password: PASSWORD });
  return { ...person, authorization, page };
}

/** Registers, keeps the codes, and goes back to the application. */
async function register(agent: UserAgent, page: Page, device: WebAuthnEmulator, name = ''): Promise<Page> {
  const after = await agent.submit(page, { ...createdOn(page, device), name });
  return allow(agent, stepOf(after) === 'recovery-codes' ? await agent.submit(after) : after);
}

/** Codes of an account that has something to lose. */
async function recoveryCodesOf({ account }: Pick<Visit, 'account'>): Promise<string[]> {
  const { accounts, lastingKeys } = server.app.stores;
  const { codes, hashes } = createRecoveryCodes({ accounts, key: lastingKeys.recoveryCodes }).issue(account.id);
  const known = await accounts.find(account.id);
  if (!known || !(await accounts.replaceRecoveryCodes(known, hashes, BY_OPERATOR))) throw new Error('no codes');
  return codes;
}

describe('somebody without a passkey', () => {
  const DEMANDS: [string, Record<string, string>, VisitOptions, Record<string, string>][] = [
    ['the policy for everyone', { PHISHING_RESISTANT: 'everyone' }, {}, {}],
    [
      'the policy for administrators',
      { PHISHING_RESISTANT: 'administrators' },
      { person: { role: 'administrator' } },
      {},
    ],
    ['the client', {}, DEMANDING, {}],
    ['the request', {}, {}, { acr_values: BEST }],
    [
      'the request, as an essential claim',
      {},
      {},
      { claims: JSON.stringify({ id_token: { acr: { essential: true, value: BEST } } }) },
    ],
  ];

  it.each(DEMANDS)(
    'is led to register one where %s demands it, and the token says so',
    async (_by, env, options, wish) => {
      await using own = await startTestServer(env);
      const person = await visit(own, options);
      const { account, agent, party } = person;
      const { page: start, authorization } = await ask(person, wish);
      const page = await agent.submit(start, { email: account.email, password: PASSWORD });
      expect([stepOf(page), textOf(page.html)]).toEqual([
        'passkey-enrolment',
        expect.stringContaining('Add a passkey'),
      ]);
      // Nothing else would do.
      expect(textOf(page.html)).not.toContain('authenticator app');
      expect(stepOf(await agent.get(methodAt(page, 'totp-enrolment')))).toBe('passkey-enrolment');
      expect(creationOptionsOn(page)).toMatchObject({
        rp: { id: 'localhost' },
        user: { id: Buffer.from(account.id).toString('base64url'), name: account.email },
        excludeCredentials: [],
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      });

      const codes = await agent.submit(page, { ...createdOn(page, aDevice()), name: '  My lap\u202etop ' });
      expect([stepOf(codes), codes.html.match(/<li>[\w-]{14}<\/li>/g)?.length]).toEqual(['recovery-codes', 10]);
      const back = await allow(agent, await agent.submit(codes));
      const claims = (await party.redeem(back, authorization)).claims();
      expect(claims).toMatchObject({ sub: account.id, acr: BEST, amr: ['pwd', 'swk', 'user', 'mfa'] });
      expect(await passkeysOf(account.id, own)).toMatchObject([{ name: 'My laptop', counter: 0, lastUsedAt: null }]);
      expect(await own.app.stores.accounts.recoveryCodesLeft(account.id)).toBe(10);
      const [letter, ...more] = await lettersTo(own, account.email);
      expect([letter?.subject, more]).toEqual(['A passkey was added to your account', []]);
    },
  );

  it('may choose between a passkey and an app where any second factor will do', async () => {
    const person = await asked({ minimumLevel: 'two-factor' });
    const { agent, party, page, authorization } = person;
    expect([stepOf(page), textOf(page.html)]).toEqual([
      'totp-enrolment',
      expect.stringContaining('Use a passkey instead'),
    ]);
    const chosen = await agent.follow(methodAt(page, 'passkey-enrolment'));
    expect(textOf(chosen.html)).toContain('Use an authenticator app instead');
    expect(stepOf(await agent.follow(methodAt(page, 'totp-enrolment')))).toBe('totp-enrolment');
    // Looking at the other made a seed: that was a step of its own, and its challenge another.
    const anew = await agent.follow(methodAt(page, 'passkey-enrolment'));
    const back = await register(agent, anew, aDevice());
    expect((await party.redeem(back, authorization)).claims()).toMatchObject({ acr: BEST });
    expect(await passkeysOf(person.account.id)).toMatchObject([{ name: 'Passkey' }]);
  });

  it('may put it off where the policy leaves time for it, and comes to the application', async () => {
    await using own = await startTestServer({ PHISHING_RESISTANT: 'everyone', ENROLMENT_GRACE_DAYS: '14' });
    const { agent, party, page, authorization } = await asked({ minimumLevel: 'one-factor' }, own);
    expect(stepOf(page)).toBe('passkey-enrolment');
    const later = page.forms.filter(({ action }) => action.endsWith('/later'));
    const csrf = String(later[0]?.fields['csrf']);
    const back = await agent.submit({ ...page, forms: later }, { csrf });
    expect((await party.redeem(back, authorization)).claims()).toMatchObject({ acr: acrOf('one-factor') });
  });

  it('is offered none where there are none', async () => {
    await using own = await startTestServer({ PASSKEYS: 'off' });
    const { agent, page } = await asked({ minimumLevel: 'two-factor' }, own);
    expect(textOf(page.html)).not.toContain('passkey');
    expect(stepOf(await agent.follow(methodAt(page, 'passkey-enrolment')))).toBe('totp-enrolment');
  });

  it('learns without scripts what is needed, and comes back to the application', async () => {
    const { agent, page } = await asked();
    expect(page.html).toMatch(/<form [^>]*data-passkey="create"[^>]* hidden>/);
    expect(page.html).toMatch(/data-without-passkeys>This browser cannot create passkeys.* another browser or device/);
    const cancel = page.forms.find(({ action }) => action.endsWith('/cancel'));
    const csrf = String(cancel?.fields['csrf']);
    expect(told(await agent.submit({ ...page, forms: cancel ? [cancel] : [] }, { csrf })).error).toBe(
      'unmet_authentication_requirements',
    );
  });

  it('reads it in German', async () => {
    const person = await visit(server, DEMANDING);
    const { page: start } = await ask(person, { ui_locales: 'de' });
    const page = await person.agent.submit(start, { email: person.account.email, password: PASSWORD });
    expect(textOf(page.html)).toContain('Meadow Notes verlangt einen Passkey');
  });
});

describe('a session alone', () => {
  it('binds no passkey: the password comes first, and the second factor where there is one', async () => {
    for (const totpSecret of [undefined, SEED]) {
      const before = await visit(server, totpSecret ? { person: { totpSecret } } : {});
      await enter(before);
      const { account, agent } = before;
      const now = await visit(server, { ...DEMANDING, account, agent });
      const { page, authorization } = await ask(now);
      expect([stepOf(page), page.html]).toEqual(['password', expect.not.stringContaining('data-passkey="create"')]);
      const path = new URL(page.url).pathname;
      expect(stepOf(await agent.get(`${path}?method=passkey-enrolment`))).toBe('password');
      const forced = { ...page, forms: page.forms.map((form) => ({ ...form, action: `${path}/passkey-enrolment` })) };
      expect((await agent.post(forced, { email: account.email })).status).toBe(303);

      let next = await agent.submit(page, { email: account.email, password: PASSWORD });
      if (totpSecret) {
        expect(stepOf(next)).toBe('totp');
        expect(stepOf(await agent.get(`${path}?method=passkey-enrolment`))).toBe('totp');
        next = await agent.submit(next, { code: codeOf(totpSecret, 1) });
      }
      const back = await register(agent, next, aDevice());
      expect((await now.party.redeem(back, authorization)).claims()).toMatchObject({ sub: account.id, acr: BEST });
    }
  });

  it('is enough afterwards, for as long as it lasts', async () => {
    const person = await asked();
    const back = await register(person.agent, person.page, aDevice());
    await person.party.redeem(back, person.authorization);
    expect((await again(person, { prompt: 'none' })).claims()).toMatchObject({ acr: BEST });
  });
});

describe('somebody who has an authenticator app', () => {
  it('keeps the recovery codes that came with it', async () => {
    const person = await visit(server, { ...DEMANDING, person: { totpSecret: SEED } });
    const [code] = await recoveryCodesOf(person);
    const { page: start, authorization } = await ask(person);
    const { agent, account } = person;
    const page = await agent.submit(start, { email: account.email, password: PASSWORD });
    const enrolment = await agent.submit(page, { code: codeOf(SEED) });
    const after = await agent.submit(enrolment, createdOn(enrolment, aDevice()));
    expect(textOf(after.html)).not.toContain('Keep these codes');
    expect((await person.party.redeem(await allow(agent, after), authorization)).claims()).toMatchObject({
      ...{ acr: BEST, amr: ['pwd', 'otp', 'swk', 'user', 'mfa'] },
    });
    expect(await server.app.stores.accounts.recoveryCodesLeft(account.id)).toBe(10);
    expect(code).toBeDefined();
    const letters = await lettersTo(server, account.email);
    const letter = letters.find(({ subject }) => subject === 'A passkey was added to your account');
    expect(letter?.text).toContain('a passkey was added');
    expect(letter?.text).not.toContain('Recovery codes from before no longer work');
  });
});

describe('somebody who has lost the passkey', () => {
  it('proves password and recovery code, registers another, and is told', async () => {
    const person = await visit(server, DEMANDING);
    const { account, agent, party } = person;
    const lost = await addPasskey(server, account.id, aDevice(), 'Old phone');
    const [code = ''] = await recoveryCodesOf(person);
    const { page: start, authorization } = await ask(person);
    await agent.post(start, { email: account.email, password: PASSWORD });
    // The password alone, which somebody else may know, adds nothing.
    expect(stepOf(await agent.get(methodAt(start, 'passkey-enrolment')))).not.toBe('passkey-enrolment');
    const codePage = await agent.get(methodAt(start, 'recovery-code'));
    expect((await agent.post(codePage, { code })).status).toBe(303);

    const page = await agent.get(methodAt(start, 'passkey-enrolment'));
    expect(creationOptionsOn(page).excludeCredentials).toHaveLength(1);
    const back = await register(agent, page, aDevice(), 'New phone');
    expect((await party.redeem(back, authorization)).claims()).toMatchObject({
      ...{ acr: BEST, amr: ['pwd', 'swk', 'user', 'mfa'] },
    });
    const known = await passkeysOf(account.id);
    expect(known.map(({ id, name }) => [id === lost, name])).toEqual([
      [true, 'Old phone'],
      [false, 'New phone'],
    ]);
    expect(await server.app.stores.accounts.recoveryCodesLeft(account.id)).toBe(9);
    const subjects = (await lettersTo(server, account.email)).map(({ subject }) => subject);
    expect(subjects.filter((subject) => subject === 'A passkey was added to your account')).toHaveLength(2);
  });
});

describe('an answer of an authenticator', () => {
  /** @returns how many passkeys there are after it */
  async function refused({ agent, account }: Visit, page: Page, credential: string, status = 422) {
    const answer = await agent.post(page, { credential, name: 'X' });
    expect([answer.status, answer.html]).toEqual([status, expect.stringContaining('role="alert"')]);
    expect(answer.html).toContain('value="X"');
    expect(await passkeysOf(account.id)).toEqual([]);
    return answer;
  }

  it('is taken for the interaction that it was made for, and no other', async () => {
    const [one, other] = [await asked(), await asked()];
    await refused(one, one.page, createdOn(other.page, aDevice()).credential);
    const sameAccount = await visit(server, { ...DEMANDING, account: one.account });
    const { page: start } = await ask(sameAccount);
    const twin = await sameAccount.agent.submit(start, { email: one.account.email, password: PASSWORD });
    await refused(one, one.page, createdOn(twin, aDevice()).credential);
    // By all that was refused, nothing was lost.
    const back = await register(one.agent, one.page, aDevice());
    expect(told(back).code).toBeDefined();
  });

  it('is taken once, of ten at once, and not again later', async () => {
    const person = await asked();
    const { agent, page, account } = person;
    const created = createdOn(page, aDevice());
    const answers = await Promise.all(Array.from({ length: 10 }, () => agent.post(page, created)));
    // Whoever comes while the first is at it finds the challenge gone, and perhaps not yet what came of it.
    for (const { status } of answers) expect([303, 422]).toContain(status);
    expect(await passkeysOf(account.id)).toHaveLength(1);
    expect((await agent.post(page, created)).status).toBe(303);
    expect(await passkeysOf(account.id)).toHaveLength(1);
    const back = await allow(agent, await agent.submit(await agent.get(page.url)));
    expect((await person.party.redeem(back, person.authorization)).claims()).toMatchObject({ acr: BEST });
  });

  it('is refused where the credential is registered already, whoever has it', async () => {
    const owner = await asked();
    const created = createdOn(owner.page, aDevice());
    await owner.agent.post(owner.page, created);
    const { id, response, ...rest } = JSON.parse(created.credential);
    const thief = await asked();
    // The authenticator of somebody who chooses credential ids, with the challenge of their own interaction.
    const device = aDevice();
    const theirs = JSON.parse(createdOn(thief.page, device).credential);
    const attestationObject = withCredentialId(theirs.response.attestationObject, theirs.id, id);
    const forged = {
      ...rest,
      ...theirs,
      id,
      rawId: id,
      response: { ...response, ...theirs.response, attestationObject },
    };
    const answer = await refused(thief, thief.page, JSON.stringify(forged));
    expect((await passkeysOf(owner.account.id)).map(({ credentialId }) => credentialId)).toEqual([id]);
    // The answer was spent by that; the page that says so has a new challenge.
    expect(creationOptionsOn(answer).challenge).not.toBe(creationOptionsOn(thief.page).challenge);
    expect(told(await register(thief.agent, answer, device)).code).toBeDefined();
  });

  it('is refused with an id that is longer than any may be', async () => {
    const person = await asked();
    const theirs = JSON.parse(createdOn(person.page, aDevice()).credential);
    const id = Buffer.alloc(1024, 7).toString('base64url');
    const attestationObject = withCredentialId(theirs.response.attestationObject, theirs.id, id);
    const forged = { ...theirs, id, rawId: id, response: { ...theirs.response, attestationObject } };
    await refused(person, person.page, JSON.stringify(forged));
  });

  it('is refused where nobody was verified, or at another place', async () => {
    const person = await asked();
    const { page } = person;
    const verifications = { userPresent: true, userVerified: false };
    const unverified = aDevice({
      verifications,
      userMakeCredentialInteraction: () => ({ options: { uv: false, up: true } }),
    });
    const wish = { ...creationOptionsOn(page), authenticatorSelection: { userVerification: 'discouraged' } };
    await refused(person, page, JSON.stringify(unverified.createJSON(server.issuer, wish as never)));
    const elsewhere = JSON.parse(createdOn(page, aDevice()).credential);
    const clientData = JSON.parse(Buffer.from(elsewhere.response.clientDataJSON, 'base64url').toString());
    for (const change of [{ origin: 'https://evil.example' }, { type: 'webauthn.get' }, { challenge: 'AAAA' }]) {
      const clientDataJSON = Buffer.from(JSON.stringify({ ...clientData, ...change })).toString('base64url');
      const response = { ...elsewhere.response, clientDataJSON };
      await refused(person, page, JSON.stringify({ ...elsewhere, response }));
    }
  });

  it('is refused when it comes too late', async () => {
    await using own = await startTestServer();
    const { agent, page, account } = await asked({}, own);
    const created = createdOn(page, aDevice());
    own.passTime(toMilliseconds(10 * MINUTE));
    const late = await agent.post(page, created);
    expect([late.status, await passkeysOf(account.id, own)]).toEqual([422, []]);
    expect(told(await register(agent, late, aDevice())).code).toBeDefined();
  });

  it('is refused as rubbish of every kind', async () => {
    const person = await asked();
    const good = JSON.parse(createdOn(person.page, aDevice()).credential);
    const { response } = good;
    for (const credential of [
      ...['', 'null', '1', '"x"', '[]', '{', '{}', '{"__proto__":{"id":"x"}}', '['.repeat(5000), 'x'.repeat(9000)],
      JSON.stringify({ ...good, id: 1 }),
      JSON.stringify({ ...good, id: [good.id] }),
      JSON.stringify({ ...good, response: null }),
      JSON.stringify({ ...good, response: { ...response, clientDataJSON: {} } }),
      JSON.stringify({ ...good, response: { ...response, clientDataJSON: 'e30' } }),
      JSON.stringify({ ...good, response: { ...response, attestationObject: 'AAAA' } }),
      JSON.stringify({
        ...good,
        response: { ...response, attestationObject: response.attestationObject.slice(0, 80) },
      }),
      JSON.stringify({ ...good, more: 'x'.repeat(8200) }),
    ])
      await refused(person, person.page, credential);
  });

  it('keeps nothing of what a script may have added', async () => {
    const { agent, page, account } = await asked();
    const good = JSON.parse(createdOn(page, aDevice()).credential);
    const transports = ['usb', 'x'.repeat(500), { evil: 1 }, 'internal'];
    const credential = JSON.stringify({ ...good, response: { ...good.response, transports, publicKey: 'x' } });
    expect((await agent.post(page, { credential, name: 'x'.repeat(300) })).status).toBe(303);
    expect(await passkeysOf(account.id)).toMatchObject([
      { transports: ['internal', 'usb'], name: 'x'.repeat(60), credentialId: good.id },
    ]);
  });

  it('is counted by address', async () => {
    await using own = await startTestServer({ LIMIT_PER_ADDRESS: '3' });
    const { agent, page } = await asked({}, own);
    for (let round = 0; round < 3; round += 1) expect((await agent.post(page, { credential: '{}' })).status).toBe(422);
    const answer = await agent.post(page, createdOn(page, aDevice()));
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, expect.stringMatching(/^\d+$/)]);
  });
});

describe('an account that was changed meanwhile', () => {
  it('gets no passkey, and the sign-in starts over', async () => {
    const { accounts } = server.app.stores;
    const changes: ((id: string) => Promise<unknown>)[] = [
      (id) => accounts.setPassword(id, 'hash', BY_OPERATOR),
      (id) => accounts.signOut(id, BY_OPERATOR),
      (id) => accounts.disable(id, BY_OPERATOR),
      (id) => addPasskey(server, id, aDevice()),
    ];
    for (const change of changes) {
      const { agent, page, account } = await asked();
      await change(account.id);
      const before = await passkeysOf(account.id);
      const answer = await agent.submit(page, createdOn(page, aDevice()));
      expect([answer.status, stepOf(answer)]).toEqual([200, 'password']);
      expect(await passkeysOf(account.id)).toEqual(before);
    }
  });

  it('gets one of two that are confirmed at once in two browsers, and codes are shown to one', async () => {
    const one = await asked();
    const party = { ...one, agent: createUserAgent(server.issuer) };
    const { page: start } = await ask(party);
    const twin = await party.agent.submit(start, { email: one.account.email, password: PASSWORD });
    const answers = await Promise.all([
      one.agent.submit(one.page, createdOn(one.page, aDevice())),
      party.agent.submit(twin, createdOn(twin, aDevice())),
    ]);
    expect(answers.filter((answer) => stepOf(answer) === 'recovery-codes')).toHaveLength(1);
    for (const { status } of answers) expect([200, 409]).toContain(status);
    expect(await passkeysOf(one.account.id)).toHaveLength(1);
    expect(await server.app.stores.accounts.recoveryCodesLeft(one.account.id)).toBe(10);
  });

  it('gets none where it changes in the very moment', async () => {
    const { app } = server;
    const { agent, page, account } = await asked();
    const { passkeys } = app.stores;
    const enrol = passkeys.enrol;
    passkeys.enrol = async (...args) => {
      passkeys.enrol = enrol;
      await app.stores.accounts.signOut(account.id, BY_OPERATOR);
      return enrol(...args);
    };
    const answer = await agent.post(page, createdOn(page, aDevice()));
    expect([answer.status, await passkeysOf(account.id)]).toEqual([409, []]);
    expect(stepOf(await agent.get(page.url))).toBe('password');
  });
});

/** `none` attestation is signed by nobody: whoever makes it chooses the id, which stands in the data with its length. */
function withCredentialId(attestationObject: string, from: string, to: string): string {
  const [old, id] = [Buffer.from(from, 'base64url'), Buffer.from(to, 'base64url')];
  const bytes = Buffer.from(attestationObject, 'base64url');
  const at = bytes.indexOf(old);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(id.length);
  const head = bytes.subarray(0, at - 2);
  const all = Buffer.concat([head, length, id, bytes.subarray(at + old.length)]);
  // The CBOR byte string around it: authData, of one or two bytes of length.
  const label = all.indexOf('authData') + 'authData'.length;
  const [size, rest] = all[label] === 0x58 ? [all[label + 1] as number, 2] : [all.readUInt16BE(label + 1), 3];
  const prefix = Buffer.alloc(3, 0x59);
  prefix.writeUInt16BE(size + id.length - old.length, 1);
  return Buffer.concat([all.subarray(0, label), prefix, all.subarray(label + rest)]).toString('base64url');
}
