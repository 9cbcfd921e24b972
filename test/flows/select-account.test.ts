import * as openid from 'openid-client';
import { generateSecret } from 'otplib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { newId } from '../../src/lib/ids.ts';
import { clientKeys } from '../support/client-keys.ts';
import { userinfo } from '../support/endpoint.ts';
import { startLogoutReceiver } from '../support/logout-receiver.ts';
import { byPasskey } from '../support/passkey-visit.ts';
import { aDevice, addPasskey } from '../support/passkeys.ts';
import { CALLBACK } from '../support/relying-party.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/server.ts';
import { allow, codeOf } from '../support/sign-in.ts';
import { turnClocks } from '../support/time.ts';
import { createUserAgent, type Page, textOf } from '../support/user-agent.ts';
import { again, ask, enter, stepOf, told, type Visit, visit } from '../support/visit.ts';

const SELECT = { prompt: 'select_account' };
const TWO_FACTOR = 'urn:gatewright:acr:two-factor';

let server: TestServer;
let receiver: Awaited<ReturnType<typeof startLogoutReceiver>>;
beforeAll(async () => {
  server = await startTestServer({ SECOND_FACTOR: 'optional' });
  receiver = await startLogoutReceiver();
});
afterAll(async () => {
  await receiver.close();
  await server[Symbol.asyncDispose]();
});

const goOn = ({ agent }: Pick<Visit, 'agent'>, page: Page) => agent.submit(page, { account: 'this' });
const another = ({ agent }: Pick<Visit, 'agent'>, page: Page) => agent.submit(page, { account: 'another' });

/** Where somebody else is signed in, a page in between ends that, which sends itself where JavaScript runs. */
async function signInAs({ agent }: Pick<Visit, 'agent'>, page: Page, email: string, switches = true): Promise<Page> {
  const next = await agent.submit(page, { email, password: PASSWORD });
  return switches ? agent.submit(next) : next;
}

async function signedIn(options: Parameters<typeof visit>[1] = {}) {
  const person = await visit(server, options);
  return { ...person, tokens: await enter(person) };
}

describe('prompt=select_account (OpenID Connect Core 3.1.2.1)', () => {
  it('is the sign-in page where nobody is signed in, and whoever signs in has chosen', async () => {
    const person = await visit(server);
    const { authorization, page } = await ask(person, SELECT);
    expect(stepOf(page)).toBe('password');
    const back = await signInAs(person, page, person.account.email, false);
    expect((await person.party.redeem(back, authorization)).claims()?.sub).toBe(person.account.id);
  });

  it('goes on as who is signed in, without another sign-in', async () => {
    const person = await signedIn();
    turnClocks(5);
    const { authorization, page } = await ask(person, SELECT);
    expect([stepOf(page), textOf(page.html)]).toEqual([
      'select-account',
      expect.stringContaining(`Continue as ${person.account.email}`),
    ]);
    const tokens = await person.party.redeem(await goOn(person, page), authorization);
    expect(tokens.claims()).toMatchObject({
      sub: person.account.id,
      auth_time: person.tokens.claims()?.auth_time,
    });
  });

  it('lets another sign in, whose address it does not know, and ends the session of the first one', async () => {
    const person = await signedIn({ backchannelLogoutUri: receiver.uri });
    const other = await server.addAccount();
    const { authorization, page } = await ask(person, { ...SELECT, login_hint: person.account.email });
    const start = await another(person, page);
    expect([stepOf(start), start.forms[0]?.fields['email']]).toEqual(['password', '']);

    const tokens = await person.party.redeem(await signInAs(person, start, other.email), authorization);
    expect(tokens.claims()?.sub).toBe(other.id);
    expect((await userinfo(server, person.tokens.access_token)).status).toBe(401);
    await expect.poll(() => receiver.tokens.length, { timeout: 10_000 }).toBe(1);
    expect((await again(person, { prompt: 'none' })).claims()?.sub).toBe(other.id);
    // The next choice is between them and whoever types an address: nobody who was here before is named.
    const { page: next } = await ask(person, SELECT);
    expect(next.html).toContain(other.email);
    expect(next.html).not.toContain(person.account.email);
  });

  it('is "another account" also for whoever is signed in and changes their mind', async () => {
    const person = await signedIn();
    const { authorization, page } = await ask(person, SELECT);
    turnClocks(5);
    const start = await another(person, page);
    const back = await signInAs(person, start, person.account.email, false);
    const claims = (await person.party.redeem(back, authorization)).claims();
    expect(claims?.sub).toBe(person.account.id);
    expect(claims?.auth_time).toBeGreaterThan(person.tokens.claims()?.auth_time ?? Number.POSITIVE_INFINITY);
  });

  it('lets another sign in by passkey', async () => {
    const person = await signedIn();
    const other = await server.addAccount();
    const device = aDevice();
    await addPasskey(server, other.id, device);
    const { authorization, page } = await ask(person, SELECT);
    const switching = await byPasskey(person.agent, await another(person, page), device);
    const tokens = await person.party.redeem(await person.agent.submit(switching), authorization);
    expect(tokens.claims()?.sub).toBe(other.id);
  });

  it('leaves a sign-in of another that is not finished without effect', async () => {
    const person = await signedIn();
    const other = await server.addAccount({ totpSecret: generateSecret() });
    const { page } = await ask(person, SELECT);
    const second = await signInAs(person, await another(person, page), other.email, false);
    expect(stepOf(second)).toBe('totp');
    expect((await again(person, { prompt: 'none' })).claims()?.sub).toBe(person.account.id);
  });

  it('is answered neither by the resume address nor by a choice that there is not', async () => {
    const person = await signedIn();
    const { page } = await ask(person, SELECT);
    const resume = new URL(page.url).pathname.replace('/interaction/', '/oauth2/authorize/');
    const asked = await person.agent.follow(resume);
    expect(stepOf(asked)).toBe('select-account');
    const [form] = asked.forms;
    const unknown = { ...asked, forms: [{ ...form, buttons: [{ name: 'account', value: 'any' }] }] } as Page;
    expect(stepOf(await person.agent.submit(unknown, { account: 'any' }))).toBe('select-account');
  });

  it('does not go on with "this" after "another", nor in a flow that nobody is signed in to', async () => {
    const person = await signedIn();
    const { page } = await ask(person, SELECT);
    await another(person, page);
    expect(stepOf(await goOn(person, page))).toBe('password');

    const stranger = await visit(server);
    const { page: start } = await ask(stranger, SELECT);
    const [form] = start.forms;
    const action = form?.action.replace(/password$/, 'select-account') ?? '';
    const forged = { ...start, forms: [{ ...form, action, fields: { csrf: form?.fields['csrf'], account: 'this' } }] };
    expect(stepOf(await stranger.agent.submit(forged as Page, { account: 'this' }))).toBe('password');
  });

  it('goes on as nobody whose session has ended meanwhile, or whose account is disabled', async () => {
    const gone = await signedIn();
    const { page } = await ask(gone, SELECT);
    await gone.agent.submit(await gone.agent.follow('/oauth2/logout'), { logout: 'yes' });
    const late = await goOn(gone, page);
    expect([late.url.startsWith(CALLBACK), late.status]).toEqual([false, 400]);

    const disabled = await signedIn();
    const { page: choice } = await ask(disabled, SELECT);
    await server.app.stores.accounts.disable(disabled.account.id, BY_OPERATOR);
    const reloaded = await disabled.agent.follow(choice.url);
    expect([reloaded.status, reloaded.html.includes(disabled.account.email)]).toEqual([400, false]);
    const after = await goOn(disabled, choice);
    expect(after.url.startsWith(CALLBACK)).toBe(false);
    expect(after.html).not.toContain('Continue as');
  });

  it('tells the application when the person leaves', async () => {
    const person = await signedIn();
    const { page } = await ask(person, SELECT);
    const cancel = { ...page, forms: page.forms.filter(({ action }) => action.endsWith('/cancel')) };
    expect(told(await person.agent.submit(cancel, { csrf: cancel.forms[0]?.fields['csrf'] ?? '' }))).toMatchObject({
      error: 'access_denied',
    });
  });
});

describe('beside other demands', () => {
  it('cannot stand beside none', async () => {
    const person = await signedIn();
    expect(told((await ask(person, { prompt: 'none select_account' })).page).error).toBe('invalid_request');
  });

  it.each([{ prompt: 'select_account login' }, { ...SELECT, max_age: '0' }, { ...SELECT, max_age: '3' }])(
    'whoever goes on signs in anew all the same: %j',
    async (parameters) => {
      const person = await signedIn();
      turnClocks(5);
      const { authorization, page } = await ask(person, parameters);
      expect(stepOf(page)).toBe('select-account');
      const start = await goOn(person, page);
      expect(stepOf(start)).toBe('password');
      expect(start.forms[0]?.fields['email']).toBe(person.account.email);
      const claims = (
        await person.party.redeem(await signInAs(person, start, person.account.email, false), authorization)
      ).claims();
      expect(claims?.auth_time).toBeGreaterThanOrEqual((person.tokens.claims()?.auth_time ?? 0) + 5);
    },
  );

  it('goes on as nobody but the one whom id_token_hint names', async () => {
    const [person, hinted] = [await signedIn(), await server.addAccount()];
    const elsewhere = { ...person, account: hinted, agent: createUserAgent(server.issuer) };
    const id_token_hint = (await enter(elsewhere)).id_token ?? '';
    const asked = () => ask(person, { ...SELECT, id_token_hint });

    const start = await goOn(person, (await asked()).page);
    expect(stepOf(start)).toBe('password');
    expect(told(await signInAs(person, start, person.account.email, false)).error).toBe('login_required');
    const third = await server.addAccount();
    const other = await another(person, (await asked()).page);
    expect(told(await signInAs(person, other, third.email, false)).error).toBe('login_required');

    const { authorization, page } = await asked();
    const back = await signInAs(person, await goOn(person, page), hinted.email);
    expect((await person.party.redeem(back, authorization)).claims()?.sub).toBe(hinted.id);
  });

  it('whoever goes on proves what is missing for the level', async () => {
    const person = await signedIn();
    const secret = generateSecret();
    const totp = { id: newId('otp'), name: 'App', secret, confirmedStep: 0, recoveryCodeHashes: [] };
    await server.app.stores.accounts.enrolTotp(person.account.id, person.account.factorsVersion, totp, BY_OPERATOR);
    const { authorization, page } = await ask(person, { ...SELECT, acr_values: TWO_FACTOR });
    expect(stepOf(page)).toBe('select-account');
    const code = await goOn(person, page);
    expect(stepOf(code)).toBe('totp');
    const back = await person.agent.submit(code, { code: codeOf(secret) });
    expect((await person.party.redeem(back, authorization)).claims()?.['acr']).toBe(TWO_FACTOR);
  });

  it('whoever goes on is asked for consent where that is asked for', async () => {
    const person = await signedIn();
    const { authorization, page } = await ask(person, { prompt: 'consent select_account' });
    expect(stepOf(page)).toBe('select-account');
    const consent = await goOn(person, page);
    expect(stepOf(consent)).toBe('consent');
    const tokens = await person.party.redeem(await allow(person.agent, consent), authorization);
    expect(tokens.claims()?.sub).toBe(person.account.id);
  });

  it('comes after the account that is to be made, and is answered by whoever signs in instead', async () => {
    await using own = await startTestServer({ SIGN_UP: 'open' });
    const person = await visit(own);
    const { page } = await ask(person, { prompt: 'create select_account' });
    expect(new URL(page.url).pathname).toBe('/sign-up');
    const start = await person.agent.follow(/href="(\/interaction\/[^"]+)"/.exec(page.html)?.[1] ?? '');
    expect(told(await signInAs(person, start, person.account.email, false)).code).toBeDefined();
  });
});

describe('"Not you?" on the consent page', () => {
  async function atConsent(parameters: Record<string, string> = {}) {
    const person = await visit(server, { firstParty: false });
    const { authorization, page } = await ask(person, parameters);
    const consent = await signInAs(person, page, person.account.email, false);
    expect(stepOf(consent)).toBe('consent');
    return { ...person, authorization, consent };
  }
  const notMe = ({ agent }: Pick<Visit, 'agent'>, page: Page) =>
    agent.submit({ ...page, forms: page.forms.filter(({ action }) => action.endsWith('/switch')) });

  it('leads to the choice, and back to the consent for whoever goes on after all', async () => {
    const person = await atConsent();
    const choice = await notMe(person, person.consent);
    expect(stepOf(choice)).toBe('select-account');
    const consent = await goOn(person, choice);
    expect(stepOf(consent)).toBe('consent');
    const tokens = await person.party.redeem(await allow(person.agent, consent), person.authorization);
    expect(tokens.claims()?.sub).toBe(person.account.id);
  });

  it.each(['login', 'consent', 'select_account', 'login consent'])(
    'lets another sign in, also after %s',
    async (prompt) => {
      const person = await atConsent({ prompt });
      const other = await server.addAccount();
      const start = await another(person, await notMe(person, person.consent));
      expect(start.forms[0]?.fields['email']).toBe('');
      const consent = await signInAs(person, start, other.email);
      expect([stepOf(consent), textOf(consent.html)]).toEqual(['consent', expect.stringContaining(other.email)]);
      const tokens = await person.party.redeem(await allow(person.agent, consent), person.authorization);
      expect(tokens.claims()?.sub).toBe(other.id);
      // Nothing was allowed in the name of the first.
      expect(await server.app.stores.consents.find(person.account.id, person.client.id)).toBeNull();
    },
  );

  it('lets nobody in but the one whom id_token_hint names', async () => {
    const person = await atConsent();
    const { id_token } = await person.party.redeem(await allow(person.agent, person.consent), person.authorization);
    const other = await server.addAccount();
    const { page } = await ask(person, { prompt: 'consent', id_token_hint: id_token ?? '' });
    const start = await another(person, await notMe(person, page));
    expect(told(await signInAs(person, start, other.email, false)).error).toBe('login_required');

    const asked = await ask(person, { prompt: 'consent', id_token_hint: id_token ?? '' });
    const back = await goOn(person, await notMe(person, asked.page));
    const tokens = await person.party.redeem(await allow(person.agent, back), asked.authorization);
    expect(tokens.claims()?.sub).toBe(person.account.id);
  });

  it('does not ask for a sign-in again that prompt=login had before, of whoever goes on', async () => {
    const person = await atConsent({ prompt: 'login' });
    expect(stepOf(await goOn(person, await notMe(person, person.consent)))).toBe('consent');
  });

  it('takes a pushed request up again, which could not be sent twice', async () => {
    const person = await visit(server, { firstParty: false });
    const authorization = await person.party.authorization();
    const { searchParams } = new URL(authorization.url);
    const pushed = await openid.buildAuthorizationUrlWithPAR(person.party.config, searchParams);
    const start = await person.agent.follow(pushed.href);
    const consent = await signInAs(person, start, person.account.email, false);
    const again = await goOn(person, await notMe(person, consent));
    const tokens = await person.party.redeem(await allow(person.agent, again), authorization);
    expect(tokens.claims()?.sub).toBe(person.account.id);
  });

  it('takes a signed request up again as it was signed', async () => {
    const keys = await clientKeys('ES256');
    const person = await visit(server, { firstParty: false, jwks: keys.jwks });
    const now = Math.floor(Date.now() / 1000);
    const verifier = 'v'.repeat(43);
    const request = await keys.sign({
      ...{ iss: person.client.id, aud: server.issuer, iat: now, exp: now + 60, client_id: person.client.id },
      ...{ redirect_uri: CALLBACK, scope: 'openid', state: 'signed', nonce: 'signed', response_type: 'code' },
      ...{ code_challenge: await openid.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' },
    });
    const query = new URLSearchParams({ client_id: person.client.id, request });
    const start = await person.agent.follow(`/oauth2/authorize?${query}`);
    const consent = await signInAs(person, start, person.account.email, false);
    const back = await allow(person.agent, await goOn(person, await notMe(person, consent)));
    const authorization = { url: '', state: 'signed', nonce: 'signed', codeVerifier: verifier };
    expect((await person.party.redeem(back, authorization)).claims()?.sub).toBe(person.account.id);
  });

  it('leads nowhere from another page, or from another browser', async () => {
    const person = await visit(server, { firstParty: false });
    const { page } = await ask(person);
    const [form] = page.forms;
    const action = form?.action.replace(/password$/, 'switch') ?? '';
    const forged = { ...page, forms: [{ ...form, action, fields: { csrf: form?.fields['csrf'] } }] } as Page;
    const stayed = await person.agent.submit(forged);
    expect([stepOf(stayed), stayed.url]).toEqual(['password', page.url]);

    const { consent } = await atConsent();
    const stranger = await notMe({ agent: createUserAgent(server.issuer) }, consent);
    expect([stranger.status, stepOf(stranger)]).toEqual([400, undefined]);
  });
});
