import { generateSecret } from 'otplib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { enrolmentPage, formOf, seedOn } from '../attacks/stations.ts';
import { CALLBACK, createRelyingParty } from '../support/relying-party.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/server.ts';
import { codeOf, signIn } from '../support/sign-in.ts';
import { createUserAgent, textOf } from '../support/user-agent.ts';
import { askForTokens, DEAD, freshCode, isAlive, signedIn } from './session.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const stores = () => server.app.stores;
const CHANGES: [string, (id: string) => Promise<unknown>][] = [
  ['a new password', (id) => stores().accounts.setPassword(id, 'x', BY_OPERATOR)],
  ['reset factors', (id) => stores().accounts.resetFactors(id, BY_OPERATOR)],
  ['a sign-out everywhere', (id) => stores().accounts.signOut(id, BY_OPERATOR)],
  [
    'disabling and enabling',
    async (id) => {
      await stores().accounts.disable(id, BY_OPERATOR);
      await stores().accounts.enable(id, BY_OPERATOR);
    },
  ],
];

/** Somebody who has begun to sign in, with an authenticator enrolled. */
async function begun() {
  const totpSecret = generateSecret();
  const account = await server.addAccount({ totpSecret });
  const client = await server.addClient('web', { redirectUris: [CALLBACK], firstParty: true });
  const party = await createRelyingParty(server, client);
  const agent = createUserAgent(server.issuer);
  const authorization = await party.authorization();
  const start = await agent.follow(authorization.url);
  return { account, totpSecret, agent, start };
}

describe.each(CHANGES)('%s in the middle of a sign-in', (_name, change) => {
  it('takes a login with it that was finished and not resumed yet', async () => {
    const { account, totpSecret, agent, start } = await begun();
    const totp = await agent.submit(start, { email: account.email, password: PASSWORD });
    const interaction = await agent.post(totp, { code: codeOf(totpSecret) });
    // The page that leads on, without going on.
    const leadsOn = await agent.get(interaction.headers.get('location') ?? '');
    const resume = /^0; url=(.*)$/.exec(leadsOn.headers.get('refresh') ?? '')?.[1] ?? '';
    expect(resume).toMatch(/^\/oauth2\/authorize\//);

    await change(account.id);
    const page = await agent.follow(resume);
    expect(page.url).not.toContain('code=');
    expect(textOf(page.html)).toContain('This sign-in has ended');
  });

  it('takes a password with it that was proved', async () => {
    const { account, agent, start } = await begun();
    const totp = await agent.submit(start, { email: account.email, password: PASSWORD });
    expect(textOf(totp.html)).toContain('Enter your code');
    await change(account.id);
    const page = await agent.follow(totp.url);
    expect(textOf(page.html)).toContain('Password');
  });
});

describe('a sign-out everywhere', () => {
  it('keeps out an app whose first code was being sent all the while', async () => {
    const { page, agent, account } = await enrolmentPage(server);
    const { action, fields } = formOf(page);
    const form = new URLSearchParams({ ...fields, code: codeOf(seedOn(page)) }).toString();
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    const slow = { method: 'POST', body: readable, duplex: 'half' } as RequestInit;
    const headers = { 'content-type': 'application/x-www-form-urlencoded', origin: server.issuer };
    const answer = agent.request(action, { ...slow, headers });
    await writer.write(Buffer.from(form.slice(0, 10)));
    // By the time that this is answered, what was sent before it is being worked on.
    expect((await agent.get(page.url)).status).toBe(200);
    await stores().accounts.signOut(account.id, BY_OPERATOR);
    await writer.write(Buffer.from(form.slice(10)));
    await writer.close();
    expect((await answer).status).toBe(303);
    expect((await stores().accounts.find(account.id))?.hasTotp).toBe(false);
  });
});

describe('a session', () => {
  it('ends at its absolute limit, however often it is used', async () => {
    await using short = await startTestServer({
      SESSION_LIFETIME: '120',
      SESSION_IDLE: '120',
      INTERACTION_LIFETIME: '120',
    });
    const person = await signedIn(short);
    short.passTime(60_000);
    await freshCode(person, { prompt: 'none' });
    short.passTime(61_000);
    const authorization = await person.party.authorization({ prompt: 'none' });
    const back = await person.agent.follow(authorization.url);
    expect(new URL(back.url).searchParams.get('error')).toBe('login_required');
  });

  it('alone binds no authenticator to the account: the password comes first', async () => {
    const person = await signedIn(server);
    const authorization = await person.party.authorization({ acr_values: 'urn:gatewright:acr:two-factor' });
    const page = await person.agent.follow(authorization.url);
    expect(textOf(page.html)).toContain('Password');
    const enrolment = await person.agent.submit(page, { email: person.account.email, password: PASSWORD });
    expect(textOf(enrolment.html)).toContain('Add your authenticator app');
  });

  it('and a password of somebody else there starts over for them', async () => {
    const [ada, grace] = [await signedIn(server), await server.addAccount()];
    const authorization = await ada.party.authorization({ acr_values: 'urn:gatewright:acr:two-factor' });
    const page = await ada.agent.follow(authorization.url);
    const enrolment = await ada.agent.submit(page, { email: grace.email, password: PASSWORD });
    expect(textOf(enrolment.html)).toContain(grace.email);
    expect(textOf(enrolment.html)).not.toContain(ada.account.email);
  });

  it('that ends takes access tokens without offline_access with it, on a grant that outlives it as well', async () => {
    const person = await signedIn(server, { scope: 'openid offline_access', prompt: 'consent' });
    const { back, authorization } = await freshCode(person, { scope: 'openid' });
    const bound = await person.party.redeem(back, authorization);
    const page = await person.agent.follow('/oauth2/logout');
    await person.agent.submit(page, { logout: 'yes' });
    expect(await isAlive(server, person, bound.access_token)).toEqual(DEAD);

    const offline = { grant_type: 'refresh_token', refresh_token: person.tokens.refresh_token ?? '' };
    expect(await askForTokens(server, person.client, offline)).toMatchObject({ status: 200 });
  });

  it('goes on for other applications when one is signed out of, which forgets its `sid`', async () => {
    const person = await signedIn(server, { backchannelLogoutUri: 'http://localhost:9/backchannel' });
    const sid = sidOf(person.tokens.id_token);
    const logout = `/oauth2/logout?id_token_hint=${person.tokens.id_token}`;
    const page = await person.agent.follow(logout);
    await person.agent.submit(
      { ...page, forms: page.forms.map((form) => ({ ...form, buttons: [] })) },
      { xsrf: page.forms[0]?.fields['xsrf'] ?? '' },
    );
    const { back, authorization } = await freshCode(person, { prompt: 'none' });
    const tokens = await person.party.redeem(back, authorization);
    expect(sidOf(tokens.id_token)).not.toBe(sid);
  });

  it.each([
    ['as a whole', { logout: 'yes' }],
    ['for one application', {}],
  ])(
    'does not end %s without the application being told: where that cannot be queued, it goes on',
    async (_name, how) => {
      const person = await signedIn(server, { backchannelLogoutUri: 'http://localhost:9/backchannel' });
      const { outbox } = stores();
      const { add } = outbox;
      const queued: unknown[] = [];
      const signOut = async () => {
        const page = await person.agent.follow(`/oauth2/logout?id_token_hint=${person.tokens.id_token}`);
        const [form] = page.forms;
        if (!form) throw new Error('no form');
        const fields = { xsrf: form.fields['xsrf'] ?? '', ...how };
        return person.agent.submit({ ...page, forms: [{ ...form, fields }] }, fields);
      };

      outbox.add = () => Promise.reject(new Error('database is locked'));
      const refused = await signOut();
      expect(refused.status).toBe(500);
      expect(textOf(refused.html)).toContain('Something went wrong');
      expect(server.logged.join('\n')).toContain('database is locked');

      outbox.add = async (job) => void queued.push(job);
      const over = await signOut();
      outbox.add = add;
      expect(over.status).toBe(200);
      const { id: clientId } = person.client;
      expect(queued).toEqual([
        { kind: 'backchannel-logout', clientId, accountId: person.account.id, sid: sidOf(person.tokens.id_token) },
      ]);
    },
  );
});

it.each(['/oauth2/authorize', '/oauth2/logout'])(
  '%s takes a form as well (Core 3.1.2.1, RP-Initiated Logout 2)',
  async (path) => {
    const client = await server.addClient('web', { redirectUris: [CALLBACK] });
    const party = await createRelyingParty(server, client);
    const account = await server.addAccount();
    const agent = createUserAgent(server.issuer);
    const { url } = await party.authorization();
    await signIn(agent, await agent.follow(url), account);
    const { searchParams } = new URL((await party.authorization({ prompt: 'none' })).url);
    const body = path === '/oauth2/authorize' ? searchParams : new URLSearchParams({ client_id: client.id });
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const page = await agent.follow(path, { method: 'POST', headers, body: body.toString() });
    if (path === '/oauth2/authorize') expect(page.url).toContain('code=');
    else expect(textOf(page.html)).toContain('Sign out?');
  },
);

function sidOf(idToken: string | undefined): unknown {
  const [, payload = ''] = (idToken ?? '').split('.');
  return JSON.parse(Buffer.from(payload, 'base64url').toString())['sid'];
}
