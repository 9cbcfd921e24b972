import { decodeJwt } from 'jose';
import { generateSecret } from 'otplib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StandardClaims } from '../../src/accounts/account.ts';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { newId } from '../../src/lib/ids.ts';
import { post, userinfo } from '../support/endpoint.ts';
import { CALLBACK } from '../support/relying-party.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/server.ts';
import { allow, codeOf } from '../support/sign-in.ts';
import { turnClocks } from '../support/time.ts';
import { createUserAgent, type Page, type UserAgent } from '../support/user-agent.ts';
import { again, ask, enter, stepOf, told, type Visit, visit } from '../support/visit.ts';

const ONE_FACTOR = 'urn:gatewright:acr:one-factor';
const TWO_FACTOR = 'urn:gatewright:acr:two-factor';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ SECOND_FACTOR: 'optional' });
});
afterAll(() => server[Symbol.asyncDispose]());

async function withTotp(options: Parameters<typeof visit>[1] = {}): Promise<Visit & { totpSecret: string }> {
  const totpSecret = generateSecret();
  return { ...(await visit(server, { ...options, person: { totpSecret } })), totpSecret };
}

/** Behind the back of the session that the person has. */
async function enrol({ account }: Visit, secret: string): Promise<void> {
  const totp = { id: newId('otp'), name: 'App', secret, confirmedStep: 0, recoveryCodeHashes: [] };
  expect(await server.app.stores.accounts.enrolTotp(account.id, account.factorsVersion, totp, BY_OPERATOR)).toBe(true);
}

const password = (agent: UserAgent, page: Page, { email }: { email: string }) =>
  agent.submit(page, { email, password: PASSWORD });

describe('prompt=none (3.1.2.1)', () => {
  it('answers login_required where nobody is signed in, and shows no page', async () => {
    const person = await visit(server);
    const { authorization, page } = await ask(person, { prompt: 'none' });
    const { error, state, iss } = told(page);
    expect({ error, state, iss }).toEqual({ error: 'login_required', state: authorization.state, iss: server.issuer });
  });

  it('answers with a code where a session and a consent are there', async () => {
    const person = await visit(server, { firstParty: false });
    await enter(person);
    const tokens = await again(person, { prompt: 'none' });
    expect(tokens.claims()?.sub).toBe(person.account.id);
  });

  it('answers consent_required where the person was never asked', async () => {
    const person = await visit(server);
    await enter(person);
    const other = await visit(server, { ...person, firstParty: false });
    const { page } = await ask(other, { prompt: 'none' });
    expect(told(page)).toMatchObject({ error: 'consent_required' });
  });

  it('answers consent_required where more is asked for than was allowed', async () => {
    const person = await visit(server, { firstParty: false });
    await enter(person);
    const { page } = await ask(person, { prompt: 'none', scope: 'openid email' });
    expect(told(page)).toMatchObject({ error: 'consent_required' });
  });

  it('answers consent_required where a new session asks for more than was ever allowed', async () => {
    const audience = `https://${newId('cli')}.example`;
    await server.addClient('resource', { audience, scopes: ['notes:read', 'notes:write'] });
    const scopes = ['openid', 'email', 'notes:read', 'notes:write'];
    const person = await visit(server, { firstParty: false, audiences: [audience], scopes, userinfoWithApi: false });
    await enter(person, { scope: 'openid notes:read' });

    const other = { ...person, agent: createUserAgent(server.issuer) };
    await enter(await visit(server, { account: person.account, agent: other.agent }));
    for (const more of [
      ...[{ scope: 'openid email' }, { scope: 'openid notes:read notes:write' }],
      { scope: 'openid', claims: JSON.stringify({ userinfo: { phone_number: null } }) },
    ]) {
      expect(told((await ask(other, { prompt: 'none', ...more })).page)).toMatchObject({ error: 'consent_required' });
    }
    const tokens = await again(other, { prompt: 'none', scope: 'openid notes:read' });
    expect(tokens.scope).toBe('notes:read');
  });

  it('answers interaction_required to a native application, whose name anybody can take (RFC 8252 8.6)', async () => {
    const person = await visit(server, { type: 'native' });
    await enter(person);
    const { page } = await ask(person, { prompt: 'none' });
    expect(told(page)).toMatchObject({ error: 'interaction_required' });
  });

  it('cannot stand beside another value', async () => {
    const person = await visit(server);
    const { page } = await ask(person, { prompt: 'none login' });
    expect(told(page)).toMatchObject({ error: 'invalid_request' });
  });
});

describe('prompt=login', () => {
  it('asks again, and auth_time moves', async () => {
    const person = await visit(server);
    const first = await enter(person);
    turnClocks(5);
    const silent = await again(person);
    expect(silent.claims()?.auth_time).toBe(first.claims()?.auth_time);

    const { authorization, page } = await ask(person, { prompt: 'login' });
    expect(stepOf(page)).toBe('password');
    const tokens = await person.party.redeem(await password(person.agent, page, person.account), authorization);
    expect(tokens.claims()?.auth_time).toBeGreaterThanOrEqual((first.claims()?.auth_time ?? 0) + 5);
    expect(tokens.claims()?.sub).toBe(person.account.id);
  });

  it('counts no proof from before, also where a higher level is asked for at the same time', async () => {
    const person = await withTotp();
    await enter(person);
    turnClocks(60);
    const { authorization, page } = await ask(person, { prompt: 'login', acr_values: TWO_FACTOR });
    expect(stepOf(page)).toBe('password');
    const second = await password(person.agent, page, person.account);
    expect(stepOf(second)).toBe('totp');
    const back = await person.agent.submit(second, { code: codeOf(person.totpSecret) });
    const tokens = await person.party.redeem(back, authorization);
    expect(tokens.claims()).toMatchObject({ acr: TWO_FACTOR, amr: ['pwd', 'otp', 'mfa'] });
  });

  it.each([{ prompt: 'login' }, { max_age: '30' }])(
    'counts no proof from before where the level is lacking too: %j',
    async (parameters) => {
      const person = await visit(server);
      await enter(person);
      await enrol(person, generateSecret());
      turnClocks(60);
      const { page } = await ask(person, { ...parameters, acr_values: TWO_FACTOR });
      expect(stepOf(page)).toBe('password');
    },
  );

  it('lets somebody else sign in, whose session replaces the first one', async () => {
    const person = await visit(server);
    const first = await enter(person);
    const other = { ...person, account: await server.addAccount() };
    const { authorization, page } = await ask(other, { prompt: 'login' });
    // A page that sends itself where JavaScript runs.
    const switching = await password(other.agent, page, other.account);
    const back = await other.agent.submit(switching);
    const tokens = await other.party.redeem(back, authorization);
    expect(tokens.claims()?.sub).toBe(other.account.id);
    expect((await userinfo(server, first.access_token)).status).toBe(401);
    expect((await again(other, { prompt: 'none' })).claims()?.sub).toBe(other.account.id);
  });
});

describe('prompt=consent', () => {
  it.each([true, false])('asks again what was allowed before (first party: %s)', async (firstParty) => {
    const person = await visit(server, { firstParty });
    await enter(person);
    const { authorization, page } = await ask(person, { prompt: 'consent' });
    expect(stepOf(page)).toBe('consent');
    const tokens = await person.party.redeem(await allow(person.agent, page), authorization);
    expect(tokens.claims()?.sub).toBe(person.account.id);
  });

  it('tells the application when the person refuses, and leaves what was allowed before', async () => {
    const person = await visit(server, { firstParty: false });
    const tokens = await enter(person);
    const { page } = await ask(person, { prompt: 'consent', scope: 'openid email' });
    const back = await person.agent.submit(page, { decision: 'deny' });
    expect(told(back)).toMatchObject({ error: 'access_denied' });
    expect((await userinfo(server, tokens.access_token)).status).toBe(200);
    const { page: silent } = await ask(person, { prompt: 'none', scope: 'openid email' });
    expect(told(silent)).toMatchObject({ error: 'consent_required' });
  });
});

describe('max_age', () => {
  it('is silent while the sign-in is young, and says when it was', async () => {
    const person = await visit(server);
    await enter(person);
    const { authorization, page } = await ask(person, { max_age: '100' });
    const tokens = await person.party.redeem(page, authorization, { maxAge: 100 });
    expect(tokens.claims()?.auth_time).toEqual(expect.any(Number));
  });

  it('asks for everything again when it is exceeded', async () => {
    const person = await withTotp();
    const first = await enter(person);
    turnClocks(120);
    const { page: silent } = await ask(person, { max_age: '100', prompt: 'none' });
    expect(told(silent)).toMatchObject({ error: 'login_required' });

    const { authorization, page } = await ask(person, { max_age: '100' });
    expect(stepOf(page)).toBe('password');
    const second = await password(person.agent, page, person.account);
    expect(stepOf(second)).toBe('totp');
    const back = await person.agent.submit(second, { code: codeOf(person.totpSecret) });
    const tokens = await person.party.redeem(back, authorization, { maxAge: 100 });
    expect(tokens.claims()?.auth_time).toBeGreaterThanOrEqual((first.claims()?.auth_time ?? 0) + 120);
  });

  it('of 0 always asks', async () => {
    const person = await visit(server);
    await enter(person);
    turnClocks(2);
    expect(stepOf((await ask(person, { max_age: '0' })).page)).toBe('password');
  });
});

describe('what the page is told', () => {
  it('login_hint stands in the field, escaped', async () => {
    const person = await visit(server);
    const { page } = await ask(person, { login_hint: '"><b>ada@example.org' });
    expect(page.forms[0]?.fields['email']).toBe('"><b>ada@example.org');
    expect(page.html).not.toContain('<b>');
  });

  it('ui_locales chooses the language', async () => {
    const person = await visit(server);
    const { page } = await ask(person, { ui_locales: 'fr de' });
    expect(page.html).toContain('<html lang="de"');
    expect((await person.agent.submit(page, { email: '', password: '' })).html).toContain('<html lang="de"');
  });
});

describe('id_token_hint', () => {
  async function hinted() {
    const person = await visit(server);
    const tokens = await enter(person);
    return { person, hint: tokens.id_token ?? '' };
  }

  it('of the person who is signed in changes nothing', async () => {
    const { person, hint } = await hinted();
    const tokens = await again(person, { prompt: 'none', id_token_hint: hint });
    expect(tokens.claims()?.sub).toBe(person.account.id);
  });

  it('of somebody else is answered with login_required', async () => {
    const { person, hint } = await hinted();
    const other = await visit(server);
    await enter({ ...person, account: other.account, agent: other.agent });
    const { page } = await ask({ party: person.party, agent: other.agent }, { prompt: 'none', id_token_hint: hint });
    expect(told(page)).toMatchObject({ error: 'login_required' });
  });

  it('is answered with login_required when somebody else signs in on the page, and leaves them signed out', async () => {
    const { person, hint } = await hinted();
    const agent = createUserAgent(server.issuer);
    const other = await server.addAccount();
    const { page } = await ask({ party: person.party, agent }, { id_token_hint: hint });
    expect(told(await password(agent, page, other))).toMatchObject({ error: 'login_required' });
    expect(told((await ask({ party: person.party, agent }, { prompt: 'none' })).page).error).toBe('login_required');
  });

  it('lets the person it names sign in', async () => {
    const { person, hint } = await hinted();
    const agent = createUserAgent(server.issuer);
    const { authorization, page } = await ask({ party: person.party, agent }, { id_token_hint: hint });
    const tokens = await person.party.redeem(await password(agent, page, person.account), authorization);
    expect(tokens.claims()?.sub).toBe(person.account.id);
  });

  it('that nobody here signed is refused', async () => {
    const { person, hint } = await hinted();
    const [header, payload] = hint.split('.');
    const { page } = await ask(person, { id_token_hint: `${header}.${payload}.c2lnbmF0dXJl` });
    expect(told(page)).toMatchObject({ error: 'invalid_request' });
  });
});

describe('the claims parameter (5.5)', () => {
  it('that names a person lets nobody else in, and shows them no page again and again (5.5.1)', async () => {
    const [person, other] = [await visit(server), await server.addAccount()];
    const named = { claims: JSON.stringify({ id_token: { sub: { value: person.account.id } } }) };
    const { page } = await ask(person, named);
    expect(told(await password(person.agent, page, other))).toMatchObject({ error: 'login_required' });
    const { authorization, page: next } = await ask(person, named);
    const tokens = await person.party.redeem(await password(person.agent, next, person.account), authorization);
    expect(tokens.claims()?.sub).toBe(person.account.id);
  });

  it('is honoured at userinfo, also where the token is for an API, and after a refresh', async () => {
    const audience = `https://${newId('cli')}.example`;
    await server.addClient('resource', { audience, scopes: ['notes:read'] });
    const person = await visit(server, {
      ...{ person: { claims: { name: 'Ada Lovelace', nickname: 'Ada' } } },
      ...{ audiences: [audience], scopes: ['openid', 'notes:read'], firstParty: false },
    });
    const claims = JSON.stringify({ userinfo: { email: null, name: { essential: true } } });
    const tokens = await enter(person, { scope: 'openid notes:read', claims });
    expect(decodeJwt(tokens.access_token).aud).toEqual([audience, `${server.issuer}/oauth2/userinfo`]);
    const expected = { sub: person.account.id, email: person.account.email, name: 'Ada Lovelace' };
    expect((await userinfo(server, tokens.access_token)).body).toEqual(expected);

    const first = await person.party.refresh(tokens.refresh_token ?? '');
    const second = await person.party.refresh(first.refresh_token ?? '');
    expect((await userinfo(server, second.access_token)).body).toEqual(expected);
    // Another token of the same person is not given what only that request asked for.
    const plain = await again(person, { scope: 'openid notes:read' });
    expect((await userinfo(server, plain.access_token)).body).toEqual({ sub: person.account.id });
  });

  it('is honoured in the ID token, by name and no further', async () => {
    const person = await visit(server, { person: { claims: { name: 'Ada Lovelace', nickname: 'Ada' } } });
    const claims = JSON.stringify({ id_token: { name: null } });
    const tokens = await enter(person, { scope: 'openid profile email', claims });
    expect(tokens.claims()).toMatchObject({ name: 'Ada Lovelace' });
    expect(Object.keys(tokens.claims() ?? {})).not.toEqual(expect.arrayContaining(['nickname']));
    expect(Object.keys(tokens.claims() ?? {})).not.toEqual(expect.arrayContaining(['email']));
  });

  it('that is no JSON object, or asks for a claim in a wrong shape, is refused', async () => {
    const person = await visit(server);
    for (const claims of [
      ...['{', '[]', '"x"', '{}', '{"id_token":1}', '{"userinfo":[]}', '{"userinfo":{"email":true}}'],
      ...[
        '{"id_token":{"sub":"x"}}',
        '{"id_token":{"acr":["x"]}}',
        '{"id_token":{"acr":{"essential":true,"values":5}}}',
      ],
    ]) {
      const { page } = await ask(person, { claims });
      expect(told(page), claims).toMatchObject({ error: 'invalid_request' });
    }
  });

  it('with the subject of somebody else is not answered with this one', async () => {
    const person = await visit(server);
    await enter(person);
    const claims = JSON.stringify({ id_token: { sub: { value: 'acc_somebody' } } });
    const { page } = await ask(person, { prompt: 'none', claims });
    expect(told(page)).toMatchObject({ error: 'login_required' });
  });

  const acr = (value: object) => JSON.stringify({ id_token: { acr: { essential: true, ...value } } });

  it('asks for the level that an essential acr names', async () => {
    const person = await withTotp();
    const { claims } = await enter(person, { claims: acr({ values: [TWO_FACTOR] }) });
    expect(claims()).toMatchObject({ acr: TWO_FACTOR });
    expect((await again(person, { prompt: 'none', claims: acr({ value: TWO_FACTOR }) })).claims()?.['acr']).toBe(
      TWO_FACTOR,
    );

    const weak = await visit(server);
    await enter(weak);
    const { page } = await ask(weak, { prompt: 'none', claims: acr({ value: TWO_FACTOR }) });
    expect(told(page)).toMatchObject({ error: 'login_required' });
  });

  it.each([{ value: 'urn:example:gold' }, { values: ['urn:example:gold', '1'] }])(
    'that makes an unknown acr essential cannot be met: %j (5.5.1.1)',
    async (value) => {
      const person = await visit(server);
      const { page } = await ask(person, { claims: acr(value) });
      expect(told(page)).toMatchObject({ error: 'unmet_authentication_requirements' });
      await enter(person);
      const { page: silent } = await ask(person, { prompt: 'none', claims: acr(value) });
      expect(told(silent)).toMatchObject({ error: 'unmet_authentication_requirements' });
    },
  );

  it('is met by one of several essential acr values', async () => {
    const person = await visit(server);
    const tokens = await enter(person, { claims: acr({ values: ['urn:example:gold', ONE_FACTOR] }) });
    expect(tokens.claims()).toMatchObject({ acr: ONE_FACTOR });
  });

  it('that makes a lower level essential than the person has proved ends, and not in a circle', async () => {
    const person = await withTotp();
    await enter(person);
    const { authorization, page } = await ask(person, { claims: acr({ values: [ONE_FACTOR] }) });
    const tokens = await person.party.redeem(page, authorization);
    expect(tokens.claims()).toMatchObject({ acr: TWO_FACTOR });
  });
});

describe('levels of authentication', () => {
  it('a sign-in says how it was done', async () => {
    const withPassword = (await enter(await visit(server))).claims();
    expect(withPassword).toMatchObject({ acr: ONE_FACTOR, amr: ['pwd'] });
    const withCode = (await enter(await withTotp())).claims();
    expect(withCode).toMatchObject({ acr: TWO_FACTOR, amr: ['pwd', 'otp', 'mfa'] });
  });

  it('a recovery code makes two factors and is not called otp', async () => {
    const person = await visit(server, { minimumLevel: 'two-factor' });
    const { page } = await ask(person);
    const enrolment = await password(person.agent, page, person.account);
    expect(stepOf(enrolment)).toBe('totp-enrolment');
    const secret =
      /[A-Z2-7]{32}/.exec(enrolment.html.replaceAll(/(?<=[A-Z2-7]{4})[\s ]+(?=[A-Z2-7]{4})/g, ''))?.[0] ?? '';
    const shown = await person.agent.submit(enrolment, { code: codeOf(secret) });
    expect(stepOf(shown)).toBe('recovery-codes');
    const recoveryCode = /\b[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4}\b/.exec(shown.html)?.[0] ?? '';

    const other = { ...person, agent: createUserAgent(server.issuer) };
    const { authorization, page: start } = await ask(other);
    const second = await password(other.agent, start, other.account);
    const page2 = await other.agent.get(`${new URL(second.url).pathname}?method=recovery-code`);
    const tokens = await other.party.redeem(await other.agent.submit(page2, { code: recoveryCode }), authorization);
    expect(tokens.claims()).toMatchObject({ acr: TWO_FACTOR, amr: ['pwd', 'mfa'] });
    // The next request in this session says the same.
    expect((await again(other, { acr_values: TWO_FACTOR })).claims()).toMatchObject({
      acr: TWO_FACTOR,
      amr: ['pwd', 'mfa'],
    });
  });

  it('acr_values asks a session only for what it lacks, and auth_time stays that of the oldest proof', async () => {
    const person = await visit(server);
    const first = await enter(person);
    const totpSecret = generateSecret();
    await enrol(person, totpSecret);
    turnClocks(20);

    const { authorization, page } = await ask(person, { acr_values: `urn:example:gold ${TWO_FACTOR}` });
    expect(stepOf(page)).toBe('totp');
    const tokens = await person.party.redeem(
      await person.agent.submit(page, { code: codeOf(totpSecret) }),
      authorization,
    );
    expect(tokens.claims()).toMatchObject({
      acr: TWO_FACTOR,
      amr: ['pwd', 'otp', 'mfa'],
      auth_time: first.claims()?.auth_time,
    });
    expect((await again(person, { prompt: 'none', acr_values: TWO_FACTOR })).claims()?.auth_time).toBe(
      first.claims()?.auth_time,
    );
  });

  it('acr_values of other servers are voluntary', async () => {
    const person = await visit(server);
    expect((await enter(person, { acr_values: 'urn:example:gold' })).claims()).toMatchObject({ acr: ONE_FACTOR });
  });

  it('the level that a client is registered with holds on silent sign-in, whatever the request says', async () => {
    const person = await visit(server);
    await enter(person);
    const strict = await visit(server, { ...person, minimumLevel: 'two-factor' });
    for (const parameters of [{}, { acr_values: ONE_FACTOR }]) {
      expect(told((await ask(strict, { prompt: 'none', ...parameters })).page).error).toBe('login_required');
      // The password comes first: a session alone binds no new factor.
      expect(stepOf((await ask(strict, parameters)).page)).toBe('password');
    }
    const claims = JSON.stringify({ id_token: { acr: { essential: true, value: ONE_FACTOR } } });
    expect(told((await ask(strict, { prompt: 'none', claims })).page).error).toBe('login_required');
  });

  it.each([
    ['everyone', { user: 'totp-enrolment', administrator: 'totp-enrolment' }],
    ['administrators', { user: undefined, administrator: 'totp-enrolment' }],
    ['optional', { user: undefined, administrator: undefined }],
  ] as const)('SECOND_FACTOR=%s', async (policy, expected) => {
    await using own = await startTestServer({ SECOND_FACTOR: policy });
    for (const role of ['user', 'administrator'] as const) {
      const person = await visit(own, { person: { role } });
      const { page } = await ask(person);
      const next = await password(person.agent, page, person.account);
      expect(stepOf(next), role).toBe(expected[role]);
    }
  });
});

describe('what is told about a person', () => {
  const CLAIMS: Required<StandardClaims> = {
    ...{ name: 'Ada King', given_name: 'Ada', family_name: 'King', middle_name: 'Augusta', nickname: 'Countess' },
    ...{ preferred_username: 'ada', profile: 'https://ada.example', picture: 'https://ada.example/a.png' },
    ...{ website: 'https://engine.example', gender: 'female', birthdate: '1815-12-10', zoneinfo: 'Europe/London' },
    ...{ locale: 'en-GB', phone_number: '+44 20 7946 0000', phone_number_verified: true },
    address: {
      ...{ formatted: '12 St James Square\nLondon', street_address: '12 St James Square', locality: 'London' },
      ...{ region: 'England', postal_code: 'SW1Y 4JH', country: 'UK' },
    },
  };
  const { address, phone_number, phone_number_verified, ...profile } = CLAIMS;

  it.each([
    ['profile', { ...profile, updated_at: expect.any(Number) }],
    ['email', { email: expect.stringContaining('@'), email_verified: true }],
    ['address', { address }],
    ['phone', { phone_number, phone_number_verified }],
  ])('scope %s gives the standard claims of 5.4 and no others', async (scope, expected) => {
    const person = await visit(server, { person: { claims: CLAIMS } });
    const tokens = await enter(person, { scope: `openid ${scope}` });
    expect((await userinfo(server, tokens.access_token)).body).toEqual({ sub: person.account.id, ...expected });
  });

  it('stands in the ID token only for a client that is registered for it', async () => {
    const options = { person: { claims: CLAIMS } };
    const scope = 'openid profile email';
    const plain = (await enter(await visit(server, options), { scope })).claims() ?? {};
    expect(plain).not.toHaveProperty('email');
    expect(plain).not.toHaveProperty('name');

    const person = await visit(server, { ...options, idTokenClaims: true });
    const full = (await enter(person, { scope })).claims() ?? {};
    expect(full).toMatchObject({ email: person.account.email, email_verified: true, name: 'Ada King' });
    expect(full).not.toHaveProperty('phone_number');
  });

  it('is given at userinfo by GET and by POST, and never for a token in the address', async () => {
    const person = await visit(server);
    const { access_token } = await enter(person);
    const sub = person.account.id;
    expect((await userinfo(server, access_token)).body).toEqual({ sub });
    expect(await post(server, '/oauth2/userinfo', { access_token })).toMatchObject({ status: 200, body: { sub } });

    const none = await fetch(`${server.issuer}/oauth2/userinfo`);
    expect(none.status).toBe(401);
    const query = await fetch(`${server.issuer}/oauth2/userinfo?access_token=${access_token}`);
    expect(query.status).toBe(400);
    const forged = await userinfo(server, `${access_token.slice(0, -4)}AAAA`);
    expect(forged.status).toBe(401);
    expect(forged.headers.get('www-authenticate')).toContain('Bearer');
  });
});

describe('the answer to the application', () => {
  it('carries state and iss (RFC 9207), and the code in the query', async () => {
    const person = await visit(server);
    await enter(person);
    const { authorization, page } = await ask(person);
    expect(told(page)).toEqual({ code: expect.any(String), state: authorization.state, iss: server.issuer });
  });

  it('is in the fragment where that is asked for', async () => {
    const person = await visit(server);
    await enter(person);
    const { authorization, page } = await ask(person, { response_mode: 'fragment' });
    const { hash, search } = new URL(page.url);
    expect(search).toBe('');
    expect(Object.fromEntries(new URLSearchParams(hash.slice(1)))).toEqual({
      ...{ code: expect.any(String), state: authorization.state, iss: server.issuer },
    });
  });

  it('is a form to the application for response_mode=form_post, which the policy of the page allows', async () => {
    const person = await visit(server);
    await enter(person);
    const { authorization, page } = await ask(person, { response_mode: 'form_post' });
    expect(page.forms).toMatchObject([
      { action: CALLBACK, fields: { code: expect.any(String), state: authorization.state, iss: server.issuer } },
    ]);
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toMatch(/script-src [^;]*'sha256-/);
    expect(policy).not.toContain('form-action');
  });

  it.each(['token', 'id_token', 'id_token token', 'code id_token', 'code token'])(
    'response_type=%s is unsupported',
    async (response_type) => {
      const person = await visit(server);
      const { page } = await ask(person, { response_type });
      const answer = new URL(page.url.replace('#', '?')).searchParams;
      expect(answer.get('error')).toBe('unsupported_response_type');
      expect(answer.has('access_token')).toBe(false);
    },
  );

  it('is refused to every application for response_type=none, which is there for the account pages', async () => {
    const { page } = await ask(await visit(server), { response_type: 'none' });
    expect(new URL(page.url).searchParams.get('error')).toBe('invalid_request');
  });

  it.each([`${CALLBACK}/`, `${CALLBACK}?x=1`, 'http://localhost:10/callback', 'https://evil.example/callback'])(
    'never goes to an address that is not registered: %s',
    async (redirect_uri) => {
      const person = await visit(server);
      const { page } = await ask(person, { redirect_uri });
      expect(page.url.startsWith(server.issuer)).toBe(true);
      expect(page.status).toBe(400);
      expect(page.html).not.toContain(`href="${redirect_uri}`);
    },
  );

  it('never goes to an unknown or disabled client', async () => {
    const person = await visit(server);
    expect((await ask(person, { client_id: 'nobody' })).page.status).toBe(400);
    await server.app.stores.clients.setStatus(person.client.id, 'disabled', BY_OPERATOR);
    const { page } = await ask(person);
    expect(page).toMatchObject({ status: 400 });
    expect(page.url.startsWith(server.issuer)).toBe(true);
  });
});
