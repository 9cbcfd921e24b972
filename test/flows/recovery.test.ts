import { generateSecret } from 'otplib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RECOVERY_OPEN } from '../../src/accounts/recovery.ts';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { DAY, HOUR, type Seconds, toMilliseconds } from '../../src/lib/duration.ts';
import { lettersTo } from '../support/letters.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/server.ts';
import { codeOf } from '../support/sign-in.ts';
import { createUserAgent, type Page, textOf, type UserAgent } from '../support/user-agent.ts';
import { ask, enter, stepOf, type VisitOptions, visit } from '../support/visit.ts';
import { prove } from './account-visit.ts';
import { DEAD, isAlive } from './session.ts';

const NEW = 'seven quiet otters climb';

let server: TestServer;
beforeAll(async () => {
  // Nobody must have a second factor here: what is asked for is asked for by the recovery.
  server = await startTestServer({ SECOND_FACTOR: 'optional', ENROLMENT_GRACE_DAYS: '14' });
});
afterAll(() => server[Symbol.asyncDispose]());

/** Somebody with an app, whose recovery an operator has started. */
async function lost(wait: Seconds, { mailed = false, ...options }: VisitOptions & { mailed?: boolean } = {}) {
  const totpSecret = generateSecret();
  const person = await visit(server, { person: { totpSecret }, ...options });
  const { id, email } = person.account;
  const started = await server.app.stores.recoveries.start(id, { wait, mailed }, BY_OPERATOR);
  const hrefOf = async (subject: string): Promise<string> => {
    const letter = (await lettersTo(server, email)).filter((one) => one.subject === subject).at(-1);
    return /\bhttps?:\/\/\S+\/link\/\S+/.exec(letter?.text ?? '')?.[0] ?? '';
  };
  const href = mailed ? await hrefOf('The link to recover your account') : `${server.issuer}/link/${started?.token}`;
  const look = async () => {
    const account = await server.app.stores.accounts.find(id);
    if (!account) throw new Error('there is no account');
    return account;
  };
  return {
    ...person,
    totpSecret,
    id,
    email,
    href,
    look,
    stop: () => hrefOf('The recovery of your account was started'),
  };
}

const browser = () => createUserAgent(server.issuer);
const seen = (page: Page) => textOf(page.html);
const recover = (agent: UserAgent, page: Page, password = NEW) => agent.submit(page, { new_password: password });

describe('somebody who has lost everything', () => {
  it('sets a password by the link; everything else is gone, and a second factor comes before anybody is let in', async () => {
    const person = await lost(0);
    const other = await visit(server, { account: person.account, person: { totpSecret: person.totpSecret } });
    const agent = browser();
    const page = await agent.follow(person.href);
    expect(seen(page)).toContain(`Choose a new password for ${person.email}`);
    expect(page.url).toBe(`${server.issuer}/link`);

    const done = await recover(agent, page);
    expect([done.status, seen(done)]).toEqual([200, expect.stringContaining('Your account is yours again')]);
    expect(seen(done)).toContain('asks you to set up a second step again');
    expect(await person.look()).toMatchObject({ hasTotp: false, demandedLevel: 'two-factor' });
    expect((await lettersTo(server, person.email)).at(-1)?.subject).toBe('Your account was recovered');

    // What was: the password, and the app.
    const old = await ask({ ...other, agent: browser() });
    expect(old.page.status).toBe(200);
    expect(
      (await other.agent.submit((await ask(other)).page, { email: person.email, password: PASSWORD })).status,
    ).toBe(422);

    const { authorization, page: start } = await ask(person);
    const asked = await person.agent.submit(start, { email: person.email, password: NEW });
    expect(stepOf(asked)).toBe('totp-enrolment');
    // Neither the account pages nor an application that asks for nothing let the password in alone.
    const own = await agent.submit(await agent.follow('/account'), { email: person.email, password: NEW });
    expect(stepOf(own)).toBe('totp-enrolment');
    expect((await agent.get('/account')).status).toBe(303);

    const key = /class="key">([A-Z2-7 ]+)</.exec(asked.html)?.[1]?.replaceAll(' ', '') ?? '';
    const codes = await person.agent.submit(asked, { code: codeOf(key) });
    const back = await person.agent.submit(codes);
    const tokens = await person.party.redeem(back, authorization);
    expect(tokens.claims()?.['acr']).toBe('urn:gatewright:acr:two-factor');
    // It stays demanded: the app cannot be taken off again for the password to be enough.
    expect(await person.look()).toMatchObject({ hasTotp: true, demandedLevel: 'two-factor' });
  });

  it('ends every session and token that there was', async () => {
    const totpSecret = generateSecret();
    const before = await visit(server, { person: { totpSecret } });
    const tokens = await enter(before, { scope: 'openid offline_access', prompt: 'consent' });
    const { id } = before.account;
    const started = await server.app.stores.recoveries.start(id, { wait: 0, mailed: false }, BY_OPERATOR);
    const agent = browser();
    await recover(agent, await agent.follow(`${server.issuer}/link/${started?.token}`));
    expect(await isAlive(server, before, tokens.access_token)).toEqual(DEAD);
    await expect(before.party.refresh(tokens.refresh_token as string)).rejects.toThrow();
    expect((await before.agent.get('/account')).status).toBe(303);
  });

  it('chooses a password that is good enough, and is told what is wrong', async () => {
    const { href, look } = await lost(0);
    const agent = browser();
    const page = await agent.follow(href);
    const short = await recover(agent, page, 'short');
    expect([short.status, short.html]).toEqual([422, expect.stringContaining('role="alert"')]);
    expect((await recover(agent, short, 'correct horse battery staple, correct')).status).toBe(200);
    expect(await look()).toMatchObject({ hasTotp: false });
  });
});

describe('whoever has the link of a recovery', () => {
  it('changes nothing by looking, and nothing by sending it twice', async () => {
    const { href, look } = await lost(0);
    for (let look = 0; look < 3; look += 1) expect((await browser().follow(href)).status).toBe(200);
    expect(await look()).toMatchObject({ hasTotp: true, factorsVersion: 1 });
    const [agent, late] = [browser(), browser()];
    const waiting = await late.follow(href);
    await recover(agent, await agent.follow(href));
    expect((await recover(late, waiting, 'quite another long secret')).status).toBe(410);
    expect((await late.get(href)).status).toBe(410);
    const { passwordHash } = await look();
    expect((await agent.get('/link')).status).toBe(410);
    expect((await look()).passwordHash).toBe(passwordHash);
  });

  it('gets no further before its time than to be told of it', async () => {
    const { href, look } = await lost(DAY);
    const agent = browser();
    const page = await agent.follow(href);
    expect([page.status, seen(page)]).toEqual([200, expect.stringContaining('does not open yet')]);
    expect(page.forms).toEqual([]);
    // The form of a page of their own, sent for this one.
    const form = await createUserAgent(server.issuer).follow((await lost(0)).href);
    expect((await agent.post(form, { new_password: NEW })).status).toBe(403);
    expect(await look()).toMatchObject({ hasTotp: true, factorsVersion: 1 });
  });

  it('gets nothing by it after its owner has stopped it, from the letter, without signing in', async () => {
    const { href, stop, look, email } = await lost(0);
    const agent = browser();
    const open = await agent.follow(href);
    const owner = browser();
    const question = await owner.follow(await stop());
    expect(seen(question)).toContain('Stop the recovery?');
    // Looking stops nothing: programs that read mail open links.
    expect((await browser().follow(href)).status).toBe(200);
    expect(seen(await owner.submit(question))).toContain('The recovery is stopped');
    expect((await recover(agent, open)).status).toBe(410);
    expect((await agent.get(href)).status).toBe(410);
    expect((await owner.get(await stop())).status).toBe(410);
    expect(await look()).toMatchObject({ hasTotp: true, factorsVersion: 1 });
    expect((await lettersTo(server, email)).at(-1)?.subject).toBe('The recovery of your account was started');
  });

  it('who reads the mailbox too, and nothing else, is seen coming by the owner: who signs in ends it', async () => {
    const person = await lost(0, { mailed: true });
    const thief = browser();
    const open = await thief.follow(person.href);
    expect(seen(open)).toContain('Choose a new password');
    await enter(person);
    expect((await recover(thief, open)).status).toBe(410);
    expect((await thief.get(person.href)).status).toBe(410);
    expect(await person.look()).toMatchObject({ hasTotp: true });
  });

  it('keeps it when somebody who knows the password alone tries to sign in', async () => {
    const { href, email, look } = await lost(0);
    const agent = browser();
    const asked = await agent.submit(await agent.follow('/account'), { email, password: PASSWORD });
    expect(stepOf(asked)).toBe('totp');
    const page = await agent.follow(href);
    expect(seen(await recover(agent, page))).toContain('Your account is yours again');
    expect(await look()).toMatchObject({ hasTotp: false });
  });

  it('cannot end it by a sign-in without a second factor, or from a session that there was', async () => {
    const person = await visit(server);
    const { id, email } = person.account;
    await enter(person);
    const started = await server.app.stores.recoveries.start(id, { wait: 0, mailed: false }, BY_OPERATOR);
    await enter({ ...person, agent: browser() });
    await prove(person.agent, await person.agent.follow('/account'), { email }).catch(() => null);
    expect(await server.app.stores.recoveries.find(id)).not.toBeNull();
    const agent = browser();
    const done = await recover(agent, await agent.follow(`${server.issuer}/link/${started?.token}`));
    // There was no second factor to demand again.
    expect(seen(done)).not.toContain('second step');
  });

  it('and the cookie of another link cannot swap them', async () => {
    const [mine, theirs] = [await lost(0), await lost(HOUR)];
    const agent = browser();
    const page = await agent.follow(mine.href);
    // The browser has opened another one since: what the old page sends is not taken for it.
    await agent.follow(theirs.href);
    expect((await recover(agent, page)).status).toBe(403);
    expect(await mine.look()).toMatchObject({ hasTotp: true });
    expect(await theirs.look()).toMatchObject({ hasTotp: true });
  });
});

it('who resets the factors of somebody does not make the password enough', async () => {
  const totpSecret = generateSecret();
  const person = await visit(server, { person: { totpSecret } });
  const { id, email } = person.account;
  await server.app.stores.accounts.resetFactors(id, BY_OPERATOR);
  const asked = await person.agent.submit((await ask(person)).page, { email, password: PASSWORD });
  expect(stepOf(asked)).toBe('totp-enrolment');
  await server.app.stores.accounts.enrolTotp(
    id,
    (await server.app.stores.accounts.find(id))?.factorsVersion ?? 0,
    { id: `otp_${id}`, name: 'App', secret: totpSecret, confirmedStep: 0, recoveryCodeHashes: null },
    BY_OPERATOR,
  );
  await server.app.stores.accounts.resetFactors(id, BY_OPERATOR, { passwordOnly: true });
  // It was demanded by then, and who says nothing of it lowers nothing.
  const again = await person.agent.submit((await ask(person)).page, { email, password: PASSWORD });
  expect(stepOf(again)).toBe('totp-enrolment');
});

it('of all links that this server has ever shown, none stands in its log', async () => {
  const { href } = await lost(DAY);
  await browser().follow(href);
  expect(server.logged.join('\n')).not.toContain(href.split('/').at(-1));
});

// The last one, since the clock of the server is not turned back.
it('opens when the wait is over, and closes after 72 hours', async () => {
  const [early, late] = [await lost(DAY), await lost(HOUR)];
  const agent = browser();
  expect(seen(await agent.follow(early.href))).toContain('does not open yet');
  server.passTime(toMilliseconds(DAY));
  const page = await agent.follow(early.href);
  server.passTime(toMilliseconds(RECOVERY_OPEN - HOUR));
  expect((await createUserAgent(server.issuer).get(late.href)).status).toBe(410);
  expect(seen(await recover(agent, page))).toContain('Your account is yours again');
  expect([await early.look(), await late.look()]).toMatchObject([{ hasTotp: false }, { hasTotp: true }]);
});
