import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { addDevices, askAsDevice, connect, poll } from '../support/devices.ts';
import { startLogoutReceiver } from '../support/logout-receiver.ts';
import { CALLBACK } from '../support/relying-party.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/server.ts';
import { createUserAgent, type Page, textOf } from '../support/user-agent.ts';
import { again, ask, enter, stepOf, told, type Visit, type VisitOptions, visit } from '../support/visit.ts';
import { ALIVE, askForTokens, DEAD, isAlive } from './session.ts';

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

const list = ({ client, account }: Pick<Visit, 'client' | 'account'>) =>
  server.app.stores.listedAccounts.add(client.id, account.id, BY_OPERATOR);
const unlist = ({ client, account }: Pick<Visit, 'client' | 'account'>) =>
  server.app.stores.listedAccounts.remove(client.id, account.id, BY_OPERATOR);
const setAccounts = ({ client }: Pick<Visit, 'client'>, accounts: 'everyone' | 'listed') =>
  server.app.stores.clients.update({ ...client, settings: { ...client.settings, accounts } }, BY_OPERATOR);

/** Somebody at an application that is open to those listed alone, and is not listed. */
const stranger = (options: VisitOptions = {}) => visit(server, { accounts: 'listed', ...options });
async function insider(options: VisitOptions = {}) {
  const person = await stranger(options);
  await list(person);
  return { ...person, tokens: await enter(person, { scope: 'openid offline_access', prompt: 'consent' }) };
}

const signInAs = ({ agent }: Pick<Visit, 'agent'>, page: Page, email: string) =>
  agent.submit(page, { email, password: PASSWORD });
const formTo = (page: Page, action: string): Page => ({
  ...page,
  forms: page.forms.filter((form) => form.action.endsWith(action)),
});
/** One of the buttons that have a form of their own. */
function press({ agent }: Pick<Visit, 'agent'>, page: Page, action: string): Promise<Page> {
  const { forms } = formTo(page, action);
  return agent.submit({ ...page, forms }, { csrf: forms[0]?.fields['csrf'] ?? '' });
}
const CLOSED = /^Meadow Notes is not open to you/;
const DENIED = { error: 'access_denied' };
const headingOf = (page: Page) => /<h1[^>]*>([^<]*)/.exec(page.html)?.[1];
const textAt = (page: Page) => textOf(/<main[\s\S]*<\/main>/.exec(page.html)?.[0] ?? page.html).trim();
const refresh = ({ client }: Pick<Visit, 'client'>, token: string | undefined) =>
  askForTokens(server, client, { grant_type: 'refresh_token', refresh_token: token ?? '' });

describe('an application that is open to those listed', () => {
  it('lets them in', async () => {
    const person = await insider();
    expect(person.tokens.claims()?.sub).toBe(person.account.id);
    expect((await again(person, { prompt: 'none' })).claims()?.sub).toBe(person.account.id);
  });

  it.each([
    ['', {}],
    [' that we run ourselves', { firstParty: true }],
    [' that asks for consent', { firstParty: false }],
  ])('%s tells others so once they have signed in, and sends them back', async (_, options) => {
    const person = await stranger(options);
    const { page } = await ask(person);
    expect([stepOf(page), page.html.includes('not open')]).toEqual(['password', false]);
    const wrong = await person.agent.submit(page, { email: person.account.email, password: 'wrong password here' });
    expect([stepOf(wrong), wrong.html.includes('not open')]).toEqual(['password', false]);

    const closed = await signInAs(person, wrong, person.account.email);
    expect(headingOf(closed)).toMatch(CLOSED);
    expect(textAt(closed)).toContain(person.account.email);
    expect(told(await press(person, closed, '/cancel'))).toMatchObject(DENIED);
    expect(told((await ask(person, { prompt: 'none' })).page)).toMatchObject(DENIED);
    // Nothing was made for an application that nobody signed in to.
    expect(await server.app.stores.artifacts.listOf('Grant', person.account.id)).toEqual([]);
  });

  it('is open to no administrator who is not listed', async () => {
    const person = await stranger({ person: { role: 'administrator' } });
    const { page } = await ask(person);
    const next = await signInAs(person, page, person.account.email);
    const later = next.forms.length > 0 && stepOf(next) !== undefined ? formTo(next, '/later') : next;
    const closed = later.forms.length > 0 && stepOf(later) ? await person.agent.submit(later) : next;
    expect(headingOf(closed)).toMatch(CLOSED);
  });

  it('tells nobody before the sign-in whether they are listed', async () => {
    const [inside, outside] = [await insider(), await stranger()];
    for (const { party, account } of [inside, outside]) {
      const nobody = { party, agent: createUserAgent(server.issuer) };
      expect(told((await ask(nobody, { prompt: 'none' })).page)).toMatchObject({ error: 'login_required' });
      const { page } = await ask(nobody, { login_hint: account.email });
      expect(stepOf(page)).toBe('password');
    }
  });

  it('is left for somebody else to sign in, who is listed', async () => {
    const person = await stranger();
    const other = await server.addAccount();
    await list({ client: person.client, account: other });
    const { authorization, page } = await ask(person);
    const closed = await signInAs(person, page, person.account.email);
    const choice = await press(person, closed, '/not-open');
    expect(textAt(choice)).toContain('Choose an account');
    // The same account once more is told the same once more.
    const { page: same } = await ask(person);
    const asBefore = await press(person, same, '/not-open');
    expect(headingOf(await person.agent.submit(asBefore, { account: 'this' }))).toMatch(CLOSED);

    const start = await person.agent.submit(choice, { account: 'another' });
    const back = await person.agent.submit(await signInAs(person, start, other.email));
    expect((await person.party.redeem(back, authorization)).claims()?.sub).toBe(other.id);
  });

  it('is not let in by the resume address, by another form or by a consent of before', async () => {
    const person = await insider({ firstParty: false });
    await unlist(person);
    const { page: closed } = await ask(person);
    expect(headingOf(closed)).toMatch(CLOSED);
    const uid = /\/interaction\/([^/?"]+)/.exec(closed.html)?.[1] ?? '';
    const resumed = await person.agent.follow(`/oauth2/authorize/${uid}`);
    expect(headingOf(resumed)).toMatch(CLOSED);
    for (const form of ['consent', 'switch', 'password', 'select-account']) {
      const forms = formTo(resumed, '/cancel').forms.map(({ fields, ...rest }) => ({
        ...{ ...rest, action: rest.action.replace('cancel', form) },
        fields: { ...fields, decision: 'deny', account: 'another' },
      }));
      const answer = await person.agent.submit({ ...resumed, forms }, { decision: 'allow', account: 'this' });
      expect(headingOf(answer)).toMatch(CLOSED);
    }
  });

  it('is told to devices as a refusal', async () => {
    const client = await addDevices(server, { accounts: 'listed' });
    const [inside, outside] = [await server.addAccount(), await server.addAccount()];
    await list({ client, account: inside });
    const asked = async () => (await askAsDevice(server, client)).body;

    const first = await asked();
    await connect(createUserAgent(server.issuer), first.user_code, inside);
    const { body: tokens } = await poll(server, client, first.device_code);
    expect(tokens).toMatchObject({ token_type: 'Bearer' });
    await unlist({ client, account: inside });
    const again = await askForTokens(server, client, {
      ...{ grant_type: 'refresh_token', client_id: client.id },
      refresh_token: String(tokens['refresh_token']),
    });
    expect(again.body['error']).toMatch(/invalid_grant|invalid_client/);

    const second = await asked();
    const agent = createUserAgent(server.issuer);
    const closed = await connect(agent, second.user_code, outside);
    expect(headingOf(closed)).toBe('Living room TV is not open to you');
    expect(formTo(closed, '/not-open').forms).toEqual([]);
    await press({ agent }, closed, '/cancel');
    expect((await poll(server, client, second.device_code)).body).toMatchObject(DENIED);
  });
});

describe('whoever is taken off the list', () => {
  it('loses at once all that was issued, before anything is tidied up', async () => {
    const person = await insider();
    const elsewhere = await visit(server, { account: person.account, agent: person.agent });
    const other = await again(elsewhere);
    const { code, authorization } = await codeFor(person);
    expect(await isAlive(server, person, person.tokens.access_token)).toEqual(ALIVE);

    // Taken off while it was open to everybody: no job ends anything, the looks alone refuse.
    await setAccounts(person, 'everyone');
    await unlist(person);
    await setAccounts(person, 'listed');
    expect(await isAlive(server, person, person.tokens.access_token)).toEqual(DEAD);
    expect(await refresh(person, person.tokens.refresh_token)).toMatchObject({ body: { error: 'invalid_grant' } });
    const redemption = { grant_type: 'authorization_code', code, redirect_uri: CALLBACK };
    const late = await askForTokens(server, person.client, {
      ...redemption,
      code_verifier: authorization.codeVerifier,
    });
    expect(late).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    // The session, and what another application has of it, stay.
    expect(await isAlive(server, elsewhere, other.access_token)).toEqual(ALIVE);
    expect(told((await ask(person, { prompt: 'none' })).page)).toMatchObject(DENIED);
  });

  it('stays without it when listed again, has the application told, and signs in anew', async () => {
    const person = await insider({ backchannelLogoutUri: receiver.uri });
    const before = receiver.tokens.length;
    await unlist(person);
    await expect.poll(() => receiver.tokens.length, { timeout: 10_000 }).toBe(before + 1);
    await list(person);
    expect(await isAlive(server, person, person.tokens.access_token)).toEqual(DEAD);
    expect(await refresh(person, person.tokens.refresh_token)).toMatchObject({ body: { error: 'invalid_grant' } });
    const tokens = await again(person);
    expect(await isAlive(server, person, tokens.access_token)).toEqual(ALIVE);
  });

  it('keeps everything where the application is open to everybody', async () => {
    const person = await insider();
    await setAccounts(person, 'everyone');
    await unlist(person);
    expect(await isAlive(server, person, person.tokens.access_token)).toEqual(ALIVE);
    await setAccounts(person, 'listed');
    expect(await isAlive(server, person, person.tokens.access_token)).toEqual(DEAD);
  });
});

async function codeFor(person: Visit) {
  const { authorization, page } = await ask(person);
  return { authorization, code: new URL(page.url).searchParams.get('code') ?? '' };
}
