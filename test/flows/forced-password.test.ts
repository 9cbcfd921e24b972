import { generateSecret } from 'otplib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { mailedLink } from '../support/letters.ts';
import { startLogoutReceiver } from '../support/logout-receiver.ts';
import { CALLBACK } from '../support/relying-party.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/server.ts';
import { codeOf } from '../support/sign-in.ts';
import { createUserAgent, type Page, textOf } from '../support/user-agent.ts';
import { again, ask, enter, stepOf, told, type Visit, type VisitOptions, visit } from '../support/visit.ts';
import { DEAD, isAlive } from './session.ts';

const NEXT = 'a rather different secret of mine';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ ALLOWED_PRIVATE_NETWORKS: '127.0.0.0/8' });
});
afterAll(() => server[Symbol.asyncDispose]());

const accounts = () => server.app.stores.accounts;
const find = async ({ account: { id } }: Visit) => {
  const found = await accounts().find(id);
  if (!found) throw new Error('there is no account');
  return found;
};
const require = ({ account: { id } }: Visit) => accounts().requirePasswordChange(id, BY_OPERATOR);

/** Somebody whose password must go, on the page that says so. */
async function asked(options: VisitOptions = {}, parameters: Record<string, string> = {}) {
  const totpSecret = generateSecret();
  const person = await visit(server, { person: { totpSecret }, ...options });
  await require(person);
  const { page: start, authorization } = await ask(person, parameters);
  const totp = await person.agent.submit(start, { email: person.account.email, password: PASSWORD });
  const page = await person.agent.submit(totp, { code: codeOf(totpSecret) });
  expect(stepOf(page)).toBe('new-password');
  return { ...person, totpSecret, start, totp, page, authorization };
}

const answer = ({ agent }: Pick<Visit, 'agent'>, page: Page, password = NEXT) =>
  agent.submit(page, { new_password: password });

/** A form of this page, posted to another step of the same flow. */
function elsewhere(page: Page, step: string, fields: Record<string, string>): Page {
  const form = page.forms.find(({ action }) => !action.endsWith('/cancel'));
  if (!form) throw new Error('no form');
  const action = form.action.replace(/[^/]+$/, step);
  return { ...page, forms: [{ ...form, action, fields: { csrf: form.fields['csrf'] ?? '', ...fields } }] };
}

describe('a password that must go', () => {
  it('ends sessions and tokens at once, and tells applications', async () => {
    const receiver = await startLogoutReceiver();
    const person = await visit(server, { backchannelLogoutUri: receiver.uri });
    const tokens = await enter(person, { scope: 'openid offline_access', prompt: 'consent' });
    await require(person);
    expect(await isAlive(server, person, tokens.access_token)).toEqual(DEAD);
    await expect(person.party.refresh(tokens.refresh_token as string)).rejects.toThrow();
    expect(told((await ask(person, { prompt: 'none' })).page).error).toBe('login_required');
    expect((await person.agent.get('/account')).status).toBe(303);
    await vi.waitFor(() => expect(receiver.tokens).toHaveLength(1), 10_000);
    await receiver.close();
  });

  it('is asked for after everything else; the sign-in under way goes on with the new one', async () => {
    const person = await asked();
    expect(textOf(person.page.html)).toContain('Choose a new password');
    const back = await answer(person, person.page);
    const tokens = await person.party.redeem(back, person.authorization);
    expect(tokens.claims()?.['amr']).toEqual(['pwd', 'otp', 'mfa']);
    expect(await find(person)).toMatchObject({ mustChangePassword: false });
    // The session that it began, its tokens and what comes of them live.
    await again(person, { prompt: 'none' });
    await server.app.worker.run();
    await again(person, { prompt: 'none' });
    expect(await isAlive(server, person, tokens.access_token)).toEqual({ userinfo: 200, active: true });

    const agent = createUserAgent(server.issuer);
    const { page } = await ask({ ...person, agent });
    const { email } = person.account;
    expect((await agent.submit(page, { email, password: PASSWORD })).status).toBe(422);
    const totp = await agent.submit(page, { email, password: NEXT });
    const done = await agent.submit(totp, { code: codeOf(person.totpSecret, 1) });
    expect(done.url).toContain('code=');
  });

  it('is asked for after an authenticator that is demanded and the recovery codes', async () => {
    const person = await visit(server, { minimumLevel: 'two-factor' });
    await require(person);
    const { page: start, authorization } = await ask(person);
    const enrolment = await person.agent.submit(start, { email: person.account.email, password: PASSWORD });
    expect(stepOf(enrolment)).toBe('totp-enrolment');
    const seed = /class="key">([A-Z2-7 ]+)</.exec(enrolment.html)?.[1]?.replaceAll(' ', '') ?? '';
    const codes = await person.agent.submit(enrolment, { code: codeOf(seed) });
    expect(stepOf(codes)).toBe('recovery-codes');
    const page = await person.agent.submit(codes);
    expect(stepOf(page)).toBe('new-password');
    await person.party.redeem(await answer(person, page), authorization);
    await again(person, { prompt: 'none' });
  });

  it('may be a temporary one of the operator', async () => {
    const person = await visit(server);
    const { passwordHash } = await find(person);
    await accounts().setPassword(person.account.id, passwordHash ?? '', BY_OPERATOR, true);
    const { page: start, authorization } = await ask(person);
    const page = await person.agent.submit(start, { email: person.account.email, password: PASSWORD });
    expect(stepOf(page)).toBe('new-password');
    await person.party.redeem(await answer(person, page), authorization);
  });

  it('tells applications when what they were told rests on: the proofs, not the change', async () => {
    await using own = await startTestServer();
    const person = await visit(own);
    await own.app.stores.accounts.requirePasswordChange(person.account.id, BY_OPERATOR);
    const { page: start, authorization } = await ask(person);
    const page = await person.agent.submit(start, { email: person.account.email, password: PASSWORD });
    const proved = Math.floor(Date.now() / 1000);
    own.passTime(60_000);
    const tokens = await person.party.redeem(await answer(person, page), authorization);
    expect(tokens.claims()?.['auth_time']).toBeLessThanOrEqual(proved);
    await again(person, { prompt: 'none' });
  });
});

describe('a new password', () => {
  it.each([
    ['short', 'That password is too short.'],
    ['password password', 'easily guessed'],
    [PASSWORD, 'That is the password you have now.'],
    ['', 'That password is too short.'],
    ['a'.repeat(300), 'That password is too long.'],
  ])('%s is refused, and the page asks again', async (password, text) => {
    const person = await visit(server);
    await require(person);
    const { page: start } = await ask(person);
    const page = await person.agent.submit(start, { email: person.account.email, password: PASSWORD });
    const refused = await answer(person, page, password);
    expect([refused.status, stepOf(refused)]).toEqual([422, 'new-password']);
    expect(textOf(refused.html)).toContain(text);
    expect(refused.html).not.toContain(`value="${password || '-'}"`);
    expect((await find(person)).mustChangePassword).toBe(true);
    expect((await answer(person, refused)).url).toContain('code=');
  });

  it('may be tried so often, by an address', async () => {
    await using own = await startTestServer({ LIMIT_PER_ADDRESS: '5' });
    const person = await visit(own);
    await own.app.stores.accounts.requirePasswordChange(person.account.id, BY_OPERATOR);
    const { page: start } = await ask(person);
    const page = await person.agent.submit(start, { email: person.account.email, password: PASSWORD });
    const statuses: number[] = [];
    for (let n = 0; n < 6; n += 1) statuses.push((await answer(person, page, PASSWORD)).status);
    expect(statuses).toEqual([422, 422, 422, 422, 422, 429]);
    const waiting = await answer(person, page);
    expect([waiting.status, stepOf(waiting)]).toEqual([429, 'new-password']);
    expect(textOf(waiting.html)).toContain('Too many tries');
  });
});

describe('who would rather not choose a new password', () => {
  it('finds no other step that leads on', async () => {
    const person = await asked();
    const steps: [string, Record<string, string>][] = [
      ['totp', { code: codeOf(person.totpSecret, 1) }],
      ['recovery-code', { code: 'x' }],
      ['totp-enrolment', { code: '000000' }],
      ['recovery-codes', {}],
      ['recovery-codes-left', {}],
      ['consent', { decision: 'allow' }],
      ['password', { email: person.account.email, password: PASSWORD }],
      ['done', {}],
    ];
    for (const [step, fields] of steps) {
      const page = await person.agent.submit(elsewhere(person.page, step, fields), fields);
      expect([step, stepOf(page)]).toEqual([step, 'new-password']);
    }
    expect((await find(person)).mustChangePassword).toBe(true);
  });

  it('gets to it no earlier than the second factor either', async () => {
    const person = await visit(server, { person: { totpSecret: generateSecret() } });
    await require(person);
    const { page: start } = await ask(person);
    const fields = { new_password: NEXT };
    expect(stepOf(await person.agent.submit(elsewhere(start, 'new-password', fields), fields))).toBe('password');
    const totp = await person.agent.submit(start, { email: person.account.email, password: PASSWORD });
    expect(stepOf(await person.agent.submit(elsewhere(totp, 'new-password', fields), fields))).toBe('totp');
    const { mustChangePassword, passwordHash } = await find(person);
    expect([mustChangePassword, passwordHash]).toEqual([true, person.account.passwordHash]);
  });

  it('gets nothing by the address that the flow returns to, nor by a silent sign-in or a second flow', async () => {
    const person = await asked();
    const uid = /interaction\/([^/]+)/.exec(person.page.url)?.[1];
    const resumed = await person.agent.follow(`/oauth2/authorize/${uid}`);
    expect(resumed.url).not.toContain('code=');
    expect(told((await ask(person, { prompt: 'none' })).page).error).toBe('login_required');
    const second = await ask(person);
    expect(stepOf(second.page)).toBe('password');
    expect((await person.agent.get('/account')).status).toBe(303);
  });

  it('does not keep the old one by a mailed link either', async () => {
    const person = await visit(server);
    const { email } = person.account;
    await require(person);
    const { agent } = person;
    await agent.submit(await agent.follow('/forgotten-password'), { email });
    const page = await agent.follow(await mailedLink(server, email));
    const refused = await agent.submit(page, { new_password: PASSWORD });
    expect(refused.status).toBe(422);
    expect(textOf(refused.html)).toContain('That is the password you have now.');
    expect((await find(person)).mustChangePassword).toBe(true);
    expect((await agent.submit(refused, { new_password: NEXT })).status).toBe(200);
    expect((await find(person)).mustChangePassword).toBe(false);
  });

  it('is asked again where the operator asks again in the middle', async () => {
    const person = await asked();
    await accounts().setPassword(person.account.id, person.account.passwordHash ?? '', BY_OPERATOR, true);
    expect(stepOf(await answer(person, person.page))).toBe('password');
    expect((await find(person)).mustChangePassword).toBe(true);
  });

  it('may go back to the application, and is asked the next time', async () => {
    const person = await asked();
    const cancel = person.page.forms.filter(({ action }) => action.endsWith('/cancel'));
    const csrf = cancel[0]?.fields['csrf'] ?? '';
    expect(told(await person.agent.submit({ ...person.page, forms: cancel }, { csrf })).error).toBe('access_denied');
    expect((await find(person)).mustChangePassword).toBe(true);
  });
});

describe('a new password that was chosen', () => {
  it('is chosen once: a repeat of its form leads to where the flow is, and changes nothing', async () => {
    const person = await asked();
    const [one, two] = await Promise.all([
      person.agent.post(person.page, { new_password: NEXT }),
      person.agent.post(person.page, { new_password: `${NEXT} too` }),
    ]);
    expect([one.status, two.status]).toEqual([303, 303]);
    expect((await find(person)).factorsVersion).toBe(3);
    const { passwordHash } = await find(person);
    await person.agent.post(person.page, { new_password: `${NEXT} again` });
    expect((await find(person)).passwordHash).toBe(passwordHash);
  });

  it('ends what another tab or browser had proved with the old one', async () => {
    const person = await asked();
    const other = createUserAgent(server.issuer);
    const started = await ask({ ...person, agent: other });
    const halfway = await other.submit(started.page, { email: person.account.email, password: PASSWORD });
    expect(stepOf(halfway)).toBe('totp');
    expect((await answer(person, person.page)).url).toContain(CALLBACK);
    const after = await other.submit(halfway, { code: codeOf(person.totpSecret, 1) });
    expect(stepOf(after)).toBe('password');
  });

  it('does not outlive a sign-out everywhere that comes before the flow is resumed', async () => {
    const person = await asked();
    const changed = await person.agent.post(person.page, { new_password: NEXT });
    const leadsOn = await person.agent.get(changed.headers.get('location') ?? '');
    const resume = /^0; url=(.*)$/.exec(leadsOn.headers.get('refresh') ?? '')?.[1] ?? '';
    expect(resume).toMatch(/^\/oauth2\/authorize\//);
    await accounts().signOut(person.account.id, BY_OPERATOR);
    const page = await person.agent.follow(resume);
    expect(page.url).not.toContain('code=');
  });

  it('does not outlive a sign-out everywhere that comes before the next page either', async () => {
    const person = await asked();
    const changed = await person.agent.post(person.page, { new_password: NEXT });
    await accounts().signOut(person.account.id, BY_OPERATOR);
    const page = await person.agent.follow(changed.headers.get('location') ?? '');
    expect(stepOf(page)).toBe('password');
  });

  it('meets max_age, and an essential level, without going round', async () => {
    const claims = JSON.stringify({ id_token: { acr: { essential: true, value: 'urn:gatewright:acr:two-factor' } } });
    const person = await asked({}, { max_age: '300', claims });
    const back = await answer(person, person.page);
    await person.party.redeem(back, person.authorization, { maxAge: 300 });
    const { page } = await ask(person, { prompt: 'login' });
    const totp = await person.agent.submit(page, { email: person.account.email, password: NEXT });
    expect(stepOf(totp)).toBe('totp');
    expect((await person.agent.submit(totp, { code: codeOf(person.totpSecret, 1) })).url).toContain('code=');
  });
});
