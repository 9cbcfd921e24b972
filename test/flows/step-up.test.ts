import { decodeJwt } from 'jose';
import { generateSecret } from 'otplib';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { newId } from '../../src/lib/ids.ts';
import { byPasskey, credentialOf } from '../support/passkey-visit.ts';
import { aDevice, addPasskey } from '../support/passkeys.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/server.ts';
import { codeOf } from '../support/sign-in.ts';
import { turnClocks } from '../support/time.ts';
import type { Page } from '../support/user-agent.ts';
import {
  again,
  ask,
  enter,
  stepOf,
  type Tokens,
  told,
  type Visit,
  type VisitOptions,
  visit,
} from '../support/visit.ts';

const ACR = 'urn:gatewright:acr:';
const TWO_FACTOR = `${ACR}two-factor`;
const PHISHING_RESISTANT = `${ACR}phishing-resistant`;

let server: TestServer;
let trusting: TestServer;
beforeAll(async () => {
  server = await startTestServer({ SECOND_FACTOR: 'optional' });
  // Before clocks are turned: a server on PostgreSQL goes by the clock that it finds there.
  trusting = await startTestServer({ TRUSTED_BROWSER_DAYS: '30' });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await trusting[Symbol.asyncDispose]();
});

const essential = (acr: object, place = 'id_token') =>
  JSON.stringify({ [place]: { acr: { essential: true, ...acr } } });

/** The ways in which an application asks for a level. */
const WAYS: [string, (level: string) => { settings?: VisitOptions; parameters?: Record<string, string> }][] = [
  ['acr_values', (level) => ({ parameters: { acr_values: `urn:example:gold ${ACR}${level}` } })],
  ['an essential acr value', (level) => ({ parameters: { claims: essential({ value: `${ACR}${level}` }) } })],
  ['essential acr values', (level) => ({ parameters: { claims: essential({ values: ['1', `${ACR}${level}`] }) } })],
  ['its registration', (level) => ({ settings: { minimumLevel: level as never } })],
];

interface Session extends Visit {
  first: Tokens;
}

/** Signed in by password at an application that asks for nothing; at another since, of the same browser. */
async function byPassword(settings: VisitOptions = {}, at = server): Promise<Session> {
  const person = await visit(at);
  const first = await enter(person);
  turnClocks(20);
  return { ...(await visit(at, { ...settings, account: person.account, agent: person.agent })), first };
}

/** Behind the back of the session that the person has. */
async function enrolApp({ account }: Visit): Promise<string> {
  const secret = generateSecret();
  const totp = { id: newId('otp'), name: 'App', secret, confirmedStep: 0, recoveryCodeHashes: [] };
  expect(await server.app.stores.accounts.enrolTotp(account.id, account.factorsVersion, totp, BY_OPERATOR)).toBe(true);
  return secret;
}

const givePassword = ({ agent, account: { email } }: Visit, page: Page) =>
  agent.submit(page, { email, password: PASSWORD });

function cancel({ agent }: Visit, page: Page): Promise<Page> {
  const forms = page.forms.filter(({ action }) => action.endsWith('/cancel'));
  return agent.submit({ ...page, forms }, { csrf: forms[0]?.fields['csrf'] ?? '' });
}

describe.each(WAYS)('an application that asks for a level by %s', (_way, ask_) => {
  it('has a session asked for the code alone, and is told of the oldest proof', async () => {
    const { settings, parameters } = ask_('two-factor');
    const person = await byPassword(settings);
    const secret = await enrolApp(person);
    const { page: silent } = await ask(person, { ...parameters, prompt: 'none' });
    expect(told(silent).error).toBe('login_required');

    const { authorization, page } = await ask(person, parameters);
    expect(stepOf(page)).toBe('totp');
    const tokens = await person.party.redeem(await person.agent.submit(page, { code: codeOf(secret) }), authorization);
    const expected = { acr: TWO_FACTOR, amr: ['pwd', 'otp', 'mfa'], auth_time: person.first.claims()?.auth_time };
    expect(tokens.claims()).toMatchObject(expected);
    expect(decodeJwt(tokens.access_token)).toMatchObject(expected);
    expect((await again(person, { ...parameters, prompt: 'none' })).claims()).toMatchObject(expected);
  });

  it('has a session asked for the passkey alone', async () => {
    const { settings, parameters } = ask_('phishing-resistant');
    const person = await byPassword(settings);
    const device = aDevice();
    await addPasskey(server, person.account.id, device);
    const { page: silent } = await ask(person, { ...parameters, prompt: 'none' });
    expect(told(silent).error).toBe('login_required');

    const { authorization, page } = await ask(person, parameters);
    expect(page.forms.map(({ action }) => action.replace(/.*\//, '')).sort()).toEqual(['cancel', 'passkey']);
    const tokens = await person.party.redeem(await byPasskey(person.agent, page, device), authorization);
    expect(tokens.claims()).toMatchObject({
      acr: PHISHING_RESISTANT,
      amr: ['pwd', expect.stringMatching(/^[hs]wk$/), 'user', 'mfa'],
      auth_time: person.first.claims()?.auth_time,
    });
    expect((await again(person, { ...parameters, prompt: 'none' })).claims()?.['acr']).toBe(PHISHING_RESISTANT);
  });

  it('is told so where the person is asked to set a factor up, and leaves', async () => {
    const { settings, parameters } = ask_('two-factor');
    const person = await byPassword(settings);
    const { authorization, page } = await ask(person, parameters);
    // A session alone binds no factor.
    expect(stepOf(page)).toBe('password');
    expect(told(await cancel(person, page)).error).toBe('access_denied');

    const { authorization: second, page: start } = await ask(person, parameters);
    const enrolment = await givePassword(person, start);
    expect(stepOf(enrolment)).toBe('totp-enrolment');
    expect(told(await cancel(person, enrolment))).toEqual({
      error: 'unmet_authentication_requirements',
      error_description: 'the person did not set up what the level of authentication asks for',
      ...{ state: second.state, iss: server.issuer },
    });
    expect(second.state).not.toBe(authorization.state);
    // Nobody was signed out, or in.
    const plain = await visit(server, { account: person.account, agent: person.agent });
    expect((await again(plain, { prompt: 'none' })).claims()?.['acr']).toBe(`${ACR}one-factor`);
  });

  it('is told access_denied by whoever has the factor and leaves', async () => {
    const { settings, parameters } = ask_('two-factor');
    const person = await byPassword(settings);
    await enrolApp(person);
    const { page } = await ask(person, parameters);
    expect(told(await cancel(person, page)).error).toBe('access_denied');
  });
});

describe('what was proved before', () => {
  it('is enough where it is more than is asked for', async () => {
    const person = await visit(server);
    const device = aDevice();
    await addPasskey(server, person.account.id, device);
    const { authorization, page } = await ask(person);
    const tokens = await person.party.redeem(await byPasskey(person.agent, page, device), authorization);
    expect(tokens.claims()).toMatchObject({ acr: PHISHING_RESISTANT });
    for (const acr of [TWO_FACTOR, `${ACR}one-factor`]) {
      const silent = await again(person, { prompt: 'none', claims: essential({ value: acr }) });
      expect(silent.claims()).toMatchObject({ acr: PHISHING_RESISTANT, auth_time: tokens.claims()?.auth_time });
    }
  });

  it.each([{ max_age: '0' }, { max_age: '10' }, { prompt: 'login' }])(
    'counts for nothing with %j',
    async (parameters) => {
      const person = await byPassword();
      const device = aDevice();
      await addPasskey(server, person.account.id, device);
      const { authorization, page } = await ask(person, { ...parameters, acr_values: PHISHING_RESISTANT });
      expect(stepOf(page)).toBe('password');
      const second = await givePassword(person, page);
      expect(stepOf(second)).toBe('passkey');
      const tokens = await person.party.redeem(await byPasskey(person.agent, second, device), authorization);
      expect(tokens.claims()?.['acr']).toBe(PHISHING_RESISTANT);
      expect(tokens.claims()?.auth_time).toBeGreaterThanOrEqual((person.first.claims()?.auth_time ?? 0) + 20);
    },
  );

  it('is joined by a passkey to all that the person has', async () => {
    const person = await byPassword();
    const secret = await enrolApp(person);
    const device = aDevice();
    await addPasskey(server, person.account.id, device);
    const { page } = await ask(person, { acr_values: TWO_FACTOR });
    const code = await person.agent.follow(`${new URL(page.url).pathname}?method=totp`);
    await person.agent.submit(code, { code: codeOf(secret) });
    const { authorization, page: last } = await ask(person, { acr_values: PHISHING_RESISTANT });
    const tokens = await person.party.redeem(await byPasskey(person.agent, last, device), authorization);
    expect(tokens.claims()).toMatchObject({
      amr: ['pwd', 'otp', expect.stringMatching(/^[hs]wk$/), 'user', 'mfa'],
      auth_time: person.first.claims()?.auth_time,
    });
  });
});

describe('a factor that was used in a step-up, and is removed before the end of it', () => {
  const unverified = { userGetAssertionInteraction: () => ({ options: { uv: false, up: true } }) };

  /** The session of somebody else's hands, the page that asks for their app, and what takes the app away. */
  async function stolen(parameters: Record<string, string>) {
    const person = await byPassword();
    const secret = await enrolApp(person);
    const { page } = await ask(person, parameters);
    const { accounts } = server.app.stores;
    async function removeApp(): Promise<void> {
      const account = (await accounts.find(person.account.id)) ?? expect.fail('no account');
      const [app] = await accounts.authenticators(account.id);
      expect(await accounts.removeTotp(account, app?.id ?? '', BY_OPERATOR)).toBe(true);
    }
    return { person, secret, page, removeApp };
  }

  it('counts no more: neither does the session that it was to raise', async () => {
    const { person, secret, page, removeApp } = await stolen({ acr_values: TWO_FACTOR });
    await person.agent.post(page, { code: codeOf(secret) });
    await removeApp();
    expect(stepOf(await person.agent.follow(page.url))).toBe('password');
  });

  it('counts no more where it is a passkey that did not verify its user', async () => {
    const person = await byPassword();
    const device = aDevice(unverified);
    const id = await addPasskey(server, person.account.id, device);
    const { page } = await ask(person, { acr_values: PHISHING_RESISTANT });
    const credential = credentialOf(device, page, { userVerification: 'discouraged' });
    await person.agent.post(page, { credential });
    const account = (await server.app.stores.accounts.find(person.account.id)) ?? expect.fail('no account');
    expect(await server.app.stores.passkeys.remove(account, id, BY_OPERATOR)).toBe(true);
    expect(stepOf(await person.agent.follow(page.url))).toBe('password');
  });

  it.each(['given after it', 'on its way, however slowly it is sent'])(
    'binds no other one, with a password that is %s',
    async (when) => {
      const { person, secret, page, removeApp } = await stolen({ acr_values: PHISHING_RESISTANT });
      const signIn = await person.agent.submit(page, { code: codeOf(secret) });
      expect(stepOf(signIn)).toBe('password');
      const { accounts } = server.app.stores;
      async function replaceApp(): Promise<void> {
        await removeApp();
        await enrolApp({ ...person, account: (await accounts.find(person.account.id)) ?? person.account });
      }
      const { findByEmail } = accounts;
      if (when === 'given after it') await replaceApp();
      else {
        // What was proved is read before the form, and the account after it.
        const looked = vi.spyOn(accounts, 'findByEmail');
        onTestFinished(() => looked.mockRestore());
        looked.mockImplementationOnce(async (email) => {
          await replaceApp();
          return findByEmail(email);
        });
      }
      expect(stepOf(await givePassword(person, signIn))).toBe('totp');
    },
  );
});

describe('what asks for nothing', () => {
  it.each([
    { claims: essential({ value: TWO_FACTOR }, 'userinfo') },
    { claims: JSON.stringify({ id_token: { acr: { value: TWO_FACTOR } } }) },
    { claims: JSON.stringify({ id_token: { acr: null } }), acr_values: 'urn:example:gold' },
  ])('%j', async (parameters) => {
    const person = await byPassword();
    expect((await again(person, { prompt: 'none', ...parameters })).claims()?.['acr']).toBe(`${ACR}one-factor`);
  });
});

describe('a level that is out of reach', () => {
  let own: TestServer;
  beforeAll(async () => {
    own = await startTestServer({ SECOND_FACTOR: 'optional', PASSKEYS: 'off' });
  });
  afterAll(() => own[Symbol.asyncDispose]());

  const UNMET = 'unmet_authentication_requirements';

  it.each([
    ['an essential acr', { parameters: { claims: essential({ value: PHISHING_RESISTANT }) } }],
    ['a registration', { settings: { minimumLevel: 'phishing-resistant' as const } }],
  ])(
    'is refused at once, with a session or without: %s',
    async (_name, {
      settings = {},
      parameters = {},
    }: {
      settings?: VisitOptions;
      parameters?: Record<string, string>;
    }) => {
      const stranger = await visit(own, settings);
      expect(told((await ask(stranger, parameters)).page).error).toBe(UNMET);
      const person = await byPassword(settings, own);
      for (const prompt of ['none', 'login']) {
        expect(told((await ask(person, { ...parameters, prompt })).page).error).toBe(UNMET);
      }
    },
  );

  it('asks for nothing where it is voluntary, and is not in discovery', async () => {
    const person = await byPassword({}, own);
    const silent = await again(person, { prompt: 'none', acr_values: PHISHING_RESISTANT });
    expect(silent.claims()?.['acr']).toBe(`${ACR}one-factor`);
    expect(person.party.config.serverMetadata().acr_values_supported).toEqual([`${ACR}one-factor`, TWO_FACTOR]);
  });

  it('of the account itself ends in an answer, and not in a circle', async () => {
    const person = await byPassword({}, own);
    await own.app.stores.accounts.setDemandedLevel(person.account.id, 'phishing-resistant', BY_OPERATOR);
    const { page } = await ask(person);
    expect(stepOf(page)).toBe('password');
    expect(told(await givePassword(person, page)).error).toBe(UNMET);
  });
});

describe('a level that the operator demands', () => {
  it('of one account is asked of the sessions that it has, here and at the account pages', async () => {
    const person = await byPassword();
    expect((await person.agent.follow('/account/sessions')).url).toContain('/account/sessions');
    const { accounts } = server.app.stores;
    await accounts.setDemandedLevel(person.account.id, 'two-factor', BY_OPERATOR);
    expect(told((await ask(person, { prompt: 'none' })).page).error).toBe('login_required');
    expect(stepOf(await person.agent.follow('/account/sessions'))).toBe('password');

    const { authorization, page } = await ask(person);
    const enrolment = await givePassword(person, page);
    expect(stepOf(enrolment)).toBe('totp-enrolment');
    const [, key = ''] = /class="key">([A-Z2-7 ]+)</.exec(enrolment.html) ?? [];
    const codes = await person.agent.submit(enrolment, { code: codeOf(key.replaceAll(' ', '')) });
    const tokens = await person.party.redeem(await person.agent.submit(codes), authorization);
    expect(tokens.claims()?.['acr']).toBe(TWO_FACTOR);
    expect((await person.agent.follow('/account/sessions')).url).toContain('/account/sessions');
  });

  it('and takes back is demanded no more', async () => {
    const person = await byPassword();
    const { accounts } = server.app.stores;
    await accounts.setDemandedLevel(person.account.id, 'phishing-resistant', BY_OPERATOR);
    expect(told((await ask(person, { prompt: 'none' })).page).error).toBe('login_required');
    await accounts.setDemandedLevel(person.account.id, null, BY_OPERATOR);
    expect((await again(person, { prompt: 'none' })).claims()?.['acr']).toBe(`${ACR}one-factor`);
  });

  it('of an account or of everybody is no business of the application, where the person leaves', async () => {
    const person = await byPassword();
    await server.app.stores.accounts.setDemandedLevel(person.account.id, 'two-factor', BY_OPERATOR);
    const { page } = await ask(person);
    expect(told(await cancel(person, await givePassword(person, page))).error).toBe('access_denied');
  });
});

describe('a refresh (RFC 9068 2.2.1)', () => {
  async function expectSame(party: Visit['party'], tokens: Tokens, expected: object): Promise<void> {
    const { acr, amr, auth_time } = decodeJwt(tokens.access_token);
    expect({ acr, amr }).toEqual(expected);
    const after = await party.refresh(tokens.refresh_token ?? '');
    for (const said of [decodeJwt(after.access_token), after.claims(), await party.introspect(after.access_token)]) {
      expect(said).toMatchObject({ acr, amr, auth_time });
    }
  }

  it('and introspection say what the sign-in proved, though the session has proved more since', async () => {
    const before = await visit(server);
    const first = await enter(before);
    const device = aDevice();
    await addPasskey(server, before.account.id, device);
    turnClocks(20);
    const person = await visit(server, { ...before, minimumLevel: 'phishing-resistant' });
    const { authorization, page } = await ask(person);
    const tokens = await person.party.redeem(await byPasskey(person.agent, page, device), authorization);
    turnClocks(20);
    await expectSame(before.party, first, { acr: `${ACR}one-factor`, amr: ['pwd'] });
    const amr = ['pwd', expect.stringMatching(/^[hs]wk$/), 'user', 'mfa'];
    await expectSame(person.party, tokens, { acr: PHISHING_RESISTANT, amr });
  });

  it('says no more of a trusted browser than its own level', async () => {
    const secret = generateSecret();
    const person = await visit(trusting, { person: { totpSecret: secret } });
    const first = await ask(person);
    const second = await givePassword(person, first.page);
    await person.party.redeem(
      await person.agent.submit(second, { code: codeOf(secret), trust: 'yes' }),
      first.authorization,
    );
    const { authorization, page } = await ask(person, { prompt: 'login' });
    const tokens = await person.party.redeem(await givePassword(person, page), authorization);
    await expectSame(person.party, tokens, { acr: `${ACR}trusted-browser`, amr: ['pwd'] });
  });
});
