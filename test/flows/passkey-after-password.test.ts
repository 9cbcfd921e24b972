import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { byPasskey, credentialOf, optionsOn } from '../support/passkey-visit.ts';
import { aDevice } from '../support/passkeys.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/server.ts';
import { codeOf } from '../support/sign-in.ts';
import type { Page } from '../support/user-agent.ts';
import { ask, stepOf } from '../support/visit.ts';
import { SEED } from './account-visit.ts';
import { eventsOf, expectRefused, unverified, withPasskey } from './passkey-visits.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ LIMIT_PER_ADDRESS: '10000' });
});
afterAll(() => server[Symbol.asyncDispose]());

const ACR = 'urn:gatewright:acr:';

describe('a passkey after a password', () => {
  it('is asked of that account alone, and need not verify its user', async () => {
    const person = await withPasskey(server, {}, aDevice(unverified));
    const other = await withPasskey(server);
    const { authorization, page } = await ask(person);
    const second = await person.agent.submit(page, { email: person.account.email, password: PASSWORD });
    expect(stepOf(second)).toBe('passkey');
    const { allowCredentials, userVerification } = optionsOn(second);
    expect([allowCredentials?.length, userVerification]).toEqual([1, 'preferred']);
    const foreign = credentialOf(other.device, second, { allowCredentials: [] });
    expectRefused(await person.agent.submit(second, { credential: foreign }), 'passkey');
    const tokens = await person.party.redeem(await byPasskey(person.agent, second, person.device), authorization);
    expect(tokens.claims()).toMatchObject({ acr: `${ACR}phishing-resistant`, amr: ['pwd', 'swk', 'user', 'mfa'] });
    expect(await eventsOf(server, other.account.id, 'passkey.used')).toEqual([]);
    expect(await eventsOf(server, person.account.id, 'sign_in.failed')).toHaveLength(1);
  });

  it('is a key that stays on its device, without a user handle', async () => {
    const person = await withPasskey(server, {}, aDevice({ stateless: true }));
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
    const person = await withPasskey(server, { person: { totpSecret: SEED } });
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
    const person = await withPasskey(server);
    const { page } = await ask(person);
    const second = await person.agent.submit(page, { email: person.account.email, password: PASSWORD });
    expect(second.html).toMatch(/<p data-without-passkeys>This browser cannot use passkeys/);
    expect(second.html).toMatch(/<form [^>]*data-passkey="get"[^>]* hidden>/);
    expectRefused(await person.agent.submit(second, { credential: '' }), 'passkey');
  });

  it('alone is asked for where only it is missing', async () => {
    const person = await withPasskey(server, { person: { totpSecret: SEED } });
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
    const person = await withPasskey(server, { firstParty: false });
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
    expect(await eventsOf(server, account.id, 'passkey.counter_refused')).toEqual([]);
  });
});

const waysOn = (page: Page) => [...page.html.matchAll(/href="[^"]+\?method=([a-z-]+)"/g)].map(([, form]) => form);
