import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { acrOf } from '../../src/assurance/level.ts';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { DAY, toMilliseconds } from '../../src/lib/duration.ts';
import { seedOn } from '../attacks/stations.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/server.ts';
import { codeOf } from '../support/sign-in.ts';
import { type Page, textOf } from '../support/user-agent.ts';
import { again, ask, stepOf, told, type Visit, visit } from '../support/visit.ts';

/*
 * The attacker knows the password of somebody who has no second factor yet, or whose factors were taken away, and would
 * rather go on without one: for longer than the policy gives, or where it gives no time.
 */

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ SECOND_FACTOR: 'everyone', ENROLMENT_GRACE_DAYS: '14' });
});
afterAll(() => server[Symbol.asyncDispose]());

/** Everything is asked for again. */
async function given(person: Visit, parameters = {}) {
  const { authorization, page } = await ask(person, { prompt: 'login', ...parameters });
  return { authorization, page: await person.agent.submit(page, { email: person.account.email, password: PASSWORD }) };
}

const laterOn = (page: Page) => page.forms.find(({ action }) => action.endsWith('/later'));

/** The form of "Not now", as somebody sends it who was shown none. */
function made(page: Page): Page {
  const [shown] = page.forms;
  if (!shown) throw new Error(`no form on ${page.url} (${page.status})`);
  const action = shown.action.replace(/[^/]+$/, 'later');
  return { ...page, forms: [{ ...shown, action, fields: { csrf: shown.fields['csrf'] ?? '' } }] };
}

const notNow = ({ agent }: Visit, page: Page) => agent.submit(made(page));

const dueAt = async ({ account }: Visit, site = server) =>
  (await site.app.stores.accounts.find(account.id))?.enrolmentDueAt ?? null;

const WITHOUT = { acr: acrOf('one-factor'), amr: ['pwd'] };

describe('time to add a factor', () => {
  it('is given where the policy asks the first time, and the sign-in goes on at what was proved', async () => {
    const person = await visit(server);
    const { authorization, page } = await given(person);
    expect([stepOf(page), laterOn(page) !== undefined]).toEqual(['totp-enrolment', true]);
    expect(textOf(page.html)).toMatch(/You can put this off until .+ Not now/);
    const tokens = await person.party.redeem(await notNow(person, page), authorization);
    expect(tokens.claims()).toMatchObject(WITHOUT);
    const days = ((await dueAt(person)) ?? 0) - Date.now();
    expect(Math.abs(days - toMilliseconds(14 * DAY))).toBeLessThan(60_000);
    expect((await again(person, { prompt: 'none' })).claims()).toMatchObject(WITHOUT);
    expect((await person.agent.get('/account')).status).toBe(200);
    const events = await server.app.stores.activity.page(person.account.id, 50, null);
    expect(events.map(({ event }) => event)).toContain('enrolment.postponed');
  });

  it('runs from then on, however often it is asked for again', async () => {
    const person = await visit(server);
    await notNow(person, (await given(person)).page);
    const first = await dueAt(person);
    const { authorization, page } = await given(person);
    expect([stepOf(page), laterOn(page) !== undefined]).toEqual(['totp-enrolment', true]);
    expect((await person.party.redeem(await notNow(person, page), authorization)).claims()).toMatchObject(WITHOUT);
    expect(await dueAt(person)).toBe(first);
  });

  it('can be used at once: whoever adds a factor is asked for it from then on', async () => {
    const person = await visit(server);
    await notNow(person, (await given(person)).page);
    const { page } = await given(person);
    const seed = seedOn(page);
    const codes = await person.agent.submit(page, { code: codeOf(seed) });
    expect(textOf(codes.html)).toContain('Keep these codes');
    await person.agent.submit(codes);
    expect(stepOf((await given(person)).page)).toBe('totp');
  });

  it('is given to administrators where they are asked', async () => {
    await using own = await startTestServer({ ENROLMENT_GRACE_DAYS: '14' });
    const root = await visit(own, { person: { role: 'administrator' } });
    expect((await notNow(root, (await given(root)).page)).url).toContain('code=');
    const user = await visit(own);
    expect(stepOf((await given(user)).page)).toBeUndefined();
    expect(await dueAt(user, own)).toBeNull();
  });

  it('leaves the page that was shown behind: in another tab it adds nothing any more', async () => {
    const person = await visit(server);
    const { page } = await given(person);
    const elsewhere = await person.agent.post(made(page));
    expect(elsewhere.headers.get('location')).toBeTruthy();
    const stale = await person.agent.post(page, { code: codeOf(seedOn(page)) });
    expect(stale.status).toBe(303);
    expect(await server.app.stores.accounts.totpCredentials(person.account.id)).toEqual([]);
  });
});

describe('no time is given', () => {
  it('once it is over, in no way of asking', async () => {
    const person = await visit(server);
    await notNow(person, (await given(person)).page);
    const { page: kept } = await given(person);
    await server.app.stores.accounts.resetFactors(person.account.id, BY_OPERATOR);
    // A page from before it was over.
    expect((await notNow(person, kept)).url).toContain(server.issuer);
    expect(laterOn((await given(person)).page)).toBeUndefined();

    const late = await visit(server);
    await server.app.stores.accounts.postponeEnrolment(late.account, Date.now() - 1, BY_OPERATOR);
    const { page } = await given(late);
    expect([stepOf(page), laterOn(page)]).toEqual(['totp-enrolment', undefined]);
    const still = await notNow(late, page);
    expect([stepOf(still), laterOn(still)]).toEqual(['totp-enrolment', undefined]);
  });

  it('to a session that it let in, once it is over', async () => {
    await using own = await startTestServer({ SECOND_FACTOR: 'everyone', ENROLMENT_GRACE_DAYS: '14' });
    const person = await visit(own);
    await notNow(person, (await given(person)).page);
    expect((await person.agent.get('/account')).status).toBe(200);
    own.passTime(toMilliseconds(14 * DAY));
    expect((await person.agent.get('/account')).status).toBe(303);
    expect(told((await ask(person, { prompt: 'none' })).page).error).toBe('login_required');
  });

  it('where the client or the request demands a factor, in that time too, whatever is edited', async () => {
    for (const isGiven of [false, true]) {
      const person = await visit(server);
      if (isGiven) await notNow(person, (await given(person)).page);
      const before = await dueAt(person);
      const strict = await visit(server, { ...person, minimumLevel: 'two-factor' });
      for (const [who, parameters] of [
        [strict, {}],
        [strict, { acr_values: acrOf('one-factor') }],
        [person, { acr_values: acrOf('two-factor') }],
      ] as const) {
        const { page } = await given(who, parameters);
        expect([stepOf(page), laterOn(page)]).toEqual(['totp-enrolment', undefined]);
        expect(stepOf(await notNow(who, page))).toBe('totp-enrolment');
      }
      expect(told((await ask(strict, { prompt: 'none' })).page).error).toBe('login_required');
      expect(await dueAt(person)).toBe(before);
    }
  });

  it('after an operator took the factors away', async () => {
    const person = await visit(server);
    await server.app.stores.accounts.resetFactors(person.account.id, BY_OPERATOR);
    const { page } = await given(person);
    expect([stepOf(page), laterOn(page)]).toEqual(['totp-enrolment', undefined]);
    expect(stepOf(await notNow(person, page))).toBe('totp-enrolment');
  });

  it('once the operator gives none any more', async () => {
    await using own = await startTestServer({ SECOND_FACTOR: 'everyone', ENROLMENT_GRACE_DAYS: '14' });
    const person = await visit(own);
    await notNow(person, (await given(person)).page);
    own.config.levels.enrolmentGrace = 0;
    await own.restart();
    expect(told((await ask(person, { prompt: 'none' })).page).error).toBe('login_required');
    const { page } = await given(person);
    expect([stepOf(page), laterOn(page)]).toEqual(['totp-enrolment', undefined]);
  });

  it('before the password, or twice by a form that comes again', async () => {
    const ada = await visit(server);
    const { page: start } = await ask(ada, { prompt: 'login' });
    expect(stepOf(await notNow(ada, start))).toBe('password');
    expect(await dueAt(ada)).toBeNull();

    const { page } = await given(ada);
    await notNow(ada, page);
    const first = await dueAt(ada);
    expect((await notNow(ada, page)).status).toBe(400);
    expect(await dueAt(ada)).toBe(first);
  });
});
