import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { MINUTE, toMilliseconds } from '../../src/lib/duration.ts';
import { type RawAnswer, send, sendBytes } from '../support/raw.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/server.ts';
import { codeOf } from '../support/sign-in.ts';
import { turnClocks } from '../support/time.ts';
import { createUserAgent, type Page, textOf, type UserAgent } from '../support/user-agent.ts';
import { ask, told, visit } from '../support/visit.ts';
import { TRACES } from './routes.ts';
import {
  enrolmentPage,
  formOf,
  recoveryPage,
  SEED,
  STATIONS,
  type Station,
  secondFactorPage,
  seedOn,
  seen,
  signInPage,
} from './stations.ts';

/*
 * The attacker is another site open in the same browser, another browser that learned an address, or the person who
 * signs in and would rather not show a second factor.
 */

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ SIGN_UP: 'open', ENROLMENT_GRACE_DAYS: '14', TRUSTED_BROWSER_DAYS: '30' });
});
afterAll(() => server[Symbol.asyncDispose]());

const FORM = 'application/x-www-form-urlencoded';

interface Attempt {
  headers?: Record<string, string>;
  body?: string;
  target?: string;
  method?: string;
  chunked?: boolean;
}

/** The good form of a station, but for what the attacker changes. An empty header is left out. */
async function attack({ agent, page, good }: Station, change: Attempt): Promise<RawAnswer> {
  const { action, fields } = formOf(page);
  const target = change.target ?? action;
  const headers: Record<string, string> = {
    ...{ 'content-type': FORM, 'sec-fetch-site': 'same-origin', origin: server.issuer, accept: 'text/html' },
    ...{ cookie: cookiesOf(agent, target) },
    ...change.headers,
  };
  for (const [name, value] of Object.entries(headers)) if (value === '') delete headers[name];
  const body = change.body ?? new URLSearchParams({ ...fields, ...good }).toString();
  const { method = 'POST', chunked = false } = change;
  return send(server, { method, target, headers, body, chunked });
}

function cookiesOf({ jar }: UserAgent, target: string): string {
  return [...jar.values()]
    .filter(({ path }) => target.startsWith(path))
    .map(({ name, value }) => `${name}=${value}`)
    .join('; ');
}

function isPlainRefusal({ headers, body, text }: RawAnswer): void {
  expect(headers['content-type']).toBe('text/html; charset=utf-8');
  expect(headers['cache-control']).toBe('no-store');
  expect(headers['content-security-policy']).toContain("form-action 'self'");
  expect(body).toContain(String(headers['x-request-id']));
  expect(text).not.toMatch(TRACES);
  // A cookie may be taken back, and none is given.
  for (const cookie of headers['set-cookie'] ?? []) expect(cookie).toMatch(/^[\w.-]+=; /);
}

const without =
  (name: string) =>
  ({ fields, good }: { fields: Record<string, string>; good: Record<string, string> }) => {
    const { [name]: _gone, ...rest } = { ...fields, ...good };
    return new URLSearchParams(rest).toString();
  };

interface Family {
  /** By a browser that is not known here; below /account it is sent to sign in. */
  unknown: number;
  /** With a cookie of the right shape. */
  changed: number;
  /** What looking at the form's own address says. */
  look: number[];
  /** A step that there is not. */
  nowhere: number;
}

const ASKING: Family = { unknown: 400, changed: 400, look: [200], nowhere: 404 };

/** By the first part of the address that a form is posted to. */
const FAMILIES: Record<string, Family> = {
  interaction: { unknown: 400, changed: 400, look: [404], nowhere: 303 },
  // Any name is taken for a link.
  setup: { unknown: 410, changed: 403, look: [410], nowhere: 404 },
  // Some forms have the address of their page.
  account: { unknown: 303, changed: 303, look: [200, 404], nowhere: 404 },
  // The form of the second page has no page of its own.
  device: { unknown: 400, changed: 400, look: [200, 303], nowhere: 404 },
  link: { unknown: 410, changed: 403, look: [200], nowhere: 404 },
  'forgotten-password': ASKING,
  'sign-up': ASKING,
};

describe.each(Object.entries(STATIONS))('the form %s', (name, reach) => {
  const [, first = ''] = /^\/([\w-]+)/.exec(name) ?? [];
  const { unknown, changed, look, nowhere } = FAMILIES[first] as Family;
  let station: Station;
  let reached: Page;
  let foreign: { csrf: string; agent: UserAgent };
  beforeAll(async () => {
    station = await reach(server);
    const other = await signInPage(server);
    foreign = { csrf: String(formOf(other.page).fields['csrf']), agent: other.agent };
  });
  const bodyWith = (fields: Record<string, string>) =>
    new URLSearchParams({ ...formOf(station.page).fields, ...station.good, ...fields }).toString();
  const bodyWithout = (field: string) => without(field)({ fields: formOf(station.page).fields, good: station.good });

  const FORGED: [string, () => Attempt, number][] = [
    ['without its token', () => ({ body: bodyWithout('csrf') }), 403],
    ['with an empty token', () => ({ body: bodyWith({ csrf: '' }) }), 403],
    ['with an invented token', () => ({ body: bodyWith({ csrf: 'A'.repeat(43) }) }), 403],
    ['with the token of another flow', () => ({ body: bodyWith({ csrf: foreign.csrf }) }), 403],
    [
      'with its token in the address alone',
      () => ({ target: `${formOf(station.page).action}?${bodyWith({})}`, body: 'a=b' }),
      403,
    ],
    ...['cross-site', 'same-site', 'none', 'SAME-ORIGIN'].map((site): [string, () => Attempt, number] => [
      `sent from ${site}`,
      () => ({ headers: { 'sec-fetch-site': site } }),
      403,
    ]),
    ...['https://evil.example.net', 'null', `${'http://localhost'}`].map((origin): [string, () => Attempt, number] => [
      `by an older browser from ${origin}`,
      () => ({ headers: { 'sec-fetch-site': '', origin } }),
      403,
    ]),
    ['by an older browser that hides where from', () => ({ headers: { 'sec-fetch-site': '', origin: '' } }), 403],
    ...['application/json', 'text/plain', 'multipart/form-data; boundary=x', ''].map(
      (type): [string, () => Attempt, number] => [
        `as ${type || 'nothing in particular'}`,
        () => ({ headers: { 'content-type': type } }),
        415,
      ],
    ),
    ['with 17 KB', () => ({ body: bodyWith({ more: 'x'.repeat(17_000) }) }), 413],
    ['with 17 KB in pieces', () => ({ body: bodyWith({ more: 'x'.repeat(17_000) }), chunked: true }), 413],
    ['with 200 KB in pieces', () => ({ body: 'x'.repeat(200_000), chunked: true }), 413],
    ['empty', () => ({ body: '' }), 403],
    ['broken', () => ({ body: '%%%=%ff&=&&csrf&\u0000=\u0000&csrf[]=x&__proto__=x' }), 400],
    ['broken, without zero bytes', () => ({ body: '%%%=%ff&=&&csrf&csrf[]=x&__proto__=x' }), 403],
    ['with a zero byte in a field', () => ({ body: bodyWith({ more: '\u0000' }) }), 400],
    ['in another encoding', () => ({ body: Buffer.from(bodyWith({}), 'utf16le').toString('latin1') }), 400],
    ['with its token second', () => ({ body: `csrf=no&${bodyWith({})}` }), 403],
    ['by a browser without the cookie', () => ({ headers: { cookie: '' } }), unknown],
    ['by another browser', () => ({ headers: { cookie: cookiesOf(foreign.agent, '/') } }), unknown],
    [
      'with a cookie that was changed',
      () => ({ headers: { cookie: cookiesOf(station.agent, formOf(station.page).action).replaceAll(/=./g, '=_') } }),
      changed,
    ],
    ...['PUT', 'PATCH', 'DELETE', 'OPTIONS'].map((method): [string, () => Attempt, number] => [
      `by ${method}`,
      () => ({ method }),
      404,
    ]),
  ];

  it.each(FORGED)('is refused %s', async (_name, change, status) => {
    const answer = await attack(station, change());
    expect(answer.status).toBe(status);
    if (status === 303) expect(answer.headers['location']).toMatch(/^\/oauth2\/authorize\?/);
    else isPlainRefusal(answer);
  });

  it('is not sent by looking at its address', async () => {
    for (const method of ['GET', 'HEAD']) {
      const { status, text } = await attack(station, { method, body: '', headers: { 'content-type': '' } });
      expect(look).toContain(status);
      expect(text).not.toMatch(TRACES);
    }
  });

  it('has no way on by a step that there is not', async () => {
    const target = formOf(station.page).action.replace(/[^/]+$/, 'constructor');
    const answer = await attack(station, { target });
    expect(answer.status).toBe(name === '/setup/recovery-codes' ? 410 : nowhere);
    expect(answer.text).not.toMatch(TRACES);
  });

  it('has lost nothing by all that: it is taken from an older browser that says where from, and the flow goes on', async () => {
    const { agent, page, good, next } = station;
    const { action, fields } = formOf(page);
    const after = await agent.follow(action, {
      method: 'POST',
      body: new URLSearchParams({ ...fields, ...good }).toString(),
      headers: { 'content-type': `${FORM}; charset=UTF-8`, origin: server.issuer },
    });
    expect(seen(after)).toMatch(next);
    reached = after;
  });

  it('does no harm when it is sent again', async () => {
    const { agent, page, good, next } = station;
    const again = await agent.submit(page, good);
    expect(again.status).toBeLessThan(500);
    expect(again.html).not.toMatch(TRACES);
    // What was done is done: the page is another one by now, or nobody's.
    if (name.endsWith('/consent') || !['interaction', 'setup'].includes(first)) return;
    if (first === 'setup')
      expect(seen(await agent.follow('/setup'))).toMatch(
        name.endsWith('/recovery-codes') ? /does not work any more/ : next,
      );
    else expect(seen(await agent.follow(reached.url))).toMatch(next);
  });
});

describe('a form that never ends', () => {
  it('is answered as soon as it is too large, and its connection closed', async () => {
    const { agent, page } = await signInPage(server);
    const { pathname } = new URL(formOf(page).action, page.url);
    const head = [
      ...[`POST ${pathname} HTTP/1.1`, `Host: ${new URL(server.issuer).host}`, `Content-Type: ${FORM}`],
      ...[`Cookie: ${cookiesOf(agent, pathname)}`, 'Sec-Fetch-Site: same-origin', 'Transfer-Encoding: chunked'],
    ].join('\r\n');
    const chunk = `${(17_000).toString(16)}\r\n${'x'.repeat(17_000)}\r\n`;
    expect(await sendBytes(server, `${head}\r\n\r\n${chunk}`)).toMatch(/^HTTP\/1\.1 413 /);
  });
});

describe('sign-out', () => {
  it('takes no form of another page', async () => {
    const person = await visit(server);
    const { page } = await ask(person);
    await person.agent.submit(page, { email: person.account.email, password: PASSWORD });
    const out = await person.agent.follow('/oauth2/logout');
    for (const xsrf of ['', 'x', 'f'.repeat(48)]) {
      const answer = await send(server, {
        ...{ method: 'POST', target: '/oauth2/logout/confirm', body: `xsrf=${xsrf}&logout=yes` },
        headers: {
          'content-type': FORM,
          accept: 'text/html',
          cookie: cookiesOf(person.agent, '/oauth2/logout/confirm'),
        },
      });
      expect(answer.status).toBe(400);
      expect(answer.text).not.toMatch(TRACES);
    }
    expect(told((await ask(person, { prompt: 'none' })).page).code).toBeDefined();
    const big = await send(server, {
      ...{ method: 'POST', target: '/oauth2/logout/confirm', body: 'x'.repeat(70_000), chunked: true },
      headers: { 'content-type': FORM, accept: 'text/html' },
    });
    expect([400, 413]).toContain(big.status);
    expect(seen(await person.agent.submit(out, { logout: 'yes' }))).toMatch(/signed out/);
  });
});

describe('an interaction', () => {
  it('is of no use to another browser that learned its address', async () => {
    const { page } = await signInPage(server);
    const stranger = createUserAgent(server.issuer);
    for (const path of ['', '/password', '/cancel']) {
      const answer = await stranger.get(page.url + path);
      expect([400, 404]).toContain(answer.status);
    }
    const own = await signInPage(server);
    const cookie = cookiesOf(own.agent, new URL(own.page.url).pathname);
    const crossed = await send(server, { target: new URL(page.url).pathname, headers: { cookie } });
    expect(crossed.status).toBe(400);
    expect(crossed.body).toContain('This sign-in has ended');
  });

  it('ends after its time, with a page that says so', async () => {
    const brief = await startTestServer({ INTERACTION_LIFETIME: '60' });
    try {
      const { agent, page, email } = await signInPage(brief);
      turnClocks(2 * MINUTE);
      const late = await agent.post(page, { email, password: PASSWORD });
      expect([late.status, textOf(late.html)]).toEqual([400, expect.stringContaining('This sign-in has ended')]);
    } finally {
      vi.useRealTimers();
      await brief[Symbol.asyncDispose]();
    }
  });

  it('tells the application when the person goes back, and signs nobody in', async () => {
    const { agent, page, party } = await secondFactorPage(server);
    const cancel = page.forms.find(({ action }) => action.endsWith('/cancel'));
    expect(cancel?.fields['csrf']).toBeDefined();
    const back = await agent.follow(cancel?.action ?? '', {
      method: 'POST',
      body: new URLSearchParams(cancel?.fields).toString(),
      headers: { 'content-type': FORM, 'sec-fetch-site': 'same-origin' },
    });
    expect(told(back).error).toBe('access_denied');
    expect(told((await ask({ party, agent }, { prompt: 'none' })).page).error).toBe('login_required');
  });
});

describe('a second factor cannot be left out', () => {
  const resumeOf = (page: Page) => page.url.replace('/interaction/', '/oauth2/authorize/');

  it('by going to the address at which the library resumes', async () => {
    const { agent, page, party } = await secondFactorPage(server);
    const resumed = await agent.follow(resumeOf(page));
    expect(seen(resumed)).toMatch(/Sign in|Enter your code/);
    expect(told((await ask({ party, agent }, { prompt: 'none' })).page).error).toBe('login_required');
  });

  it('by sending a later step first, or instead', async () => {
    const { agent, page, party, email } = await signInPage(server, SEED);
    const later = ['totp-enrolment', 'recovery-codes', 'recovery-codes-left', 'consent', 'recovery-code', 'done'];
    const post = (step: string, good: Record<string, string>) =>
      attack({ agent, page, good, next: /./ }, { target: `${new URL(page.url).pathname}/${step}` });
    const everything = { decision: 'allow', code: codeOf(SEED), email, password: PASSWORD };
    for (const step of [...later, 'totp']) expect([step, (await post(step, everything)).status]).toEqual([step, 303]);
    expect(seen(await agent.get(page.url))).toMatch(/Sign in/);

    await agent.submit(page, { email, password: PASSWORD });
    for (const step of later.filter((one) => one !== 'recovery-code'))
      expect((await post(step, { decision: 'allow' })).status).toBe(303);
    expect(seen(await agent.get(page.url))).toMatch(/Enter your code/);
    expect(told((await ask({ party, agent }, { prompt: 'none' })).page).error).toBe('login_required');
  });

  it('by a second interaction of the same browser', async () => {
    const { agent, party, page, email } = await secondFactorPage(server);
    const second = await ask({ party, agent });
    expect(seen(second.page)).toMatch(/Sign in/);
    expect(seen(await agent.submit(second.page, { email, password: PASSWORD }))).toMatch(/Enter your code/);
    expect(seen(await agent.get(page.url))).toMatch(/Enter your code/);
  });

  it('by asking for less than the client is registered with', async () => {
    const { agent, party, page, email } = await signInPage(server, undefined, 'two-factor');
    expect(seen(await agent.submit(page, { email, password: PASSWORD }))).toMatch(/Add your authenticator app/);
    for (const acr of ['urn:gatewright:acr:one-factor', '0', '']) {
      const asked = await ask({ party, agent }, { acr_values: acr });
      expect(seen(await agent.submit(asked.page, { email, password: PASSWORD }))).toMatch(/Add your authenticator app/);
    }
  });

  it('by going back to an interaction that is over', async () => {
    const { agent, page, party } = await secondFactorPage(server);
    const before = [...agent.jar];
    const consent = await agent.submit(page, { code: codeOf(SEED) });
    const over = await agent.submit(consent, { decision: 'allow' });
    expect(told(over).code).toBeDefined();

    // A browser that has the cookies of the flow, but not of the session that it ended with.
    const thief = createUserAgent(server.issuer);
    for (const [key, cookie] of before) thief.jar.set(key, cookie);
    expect((await thief.get(page.url)).status).toBe(400);
    expect((await thief.follow(resumeOf(page))).status).toBe(400);
    expect((await thief.post(page, { code: codeOf(SEED, 1) })).status).toBe(400);
    expect(told((await ask({ party, agent: thief }, { prompt: 'none' })).page).error).toBe('login_required');
  });

  it('by a code that was used, also in another interaction', async () => {
    const { agent, page, party, email } = await secondFactorPage(server);
    const code = codeOf(SEED);
    await agent.submit(page, { code });
    const other = createUserAgent(server.issuer);
    const second = await ask({ party, agent: other });
    const asked = await other.submit(second.page, { email, password: PASSWORD });
    const refused = await other.post(asked, { code });
    expect([refused.status, textOf(refused.html)]).toEqual([422, expect.stringContaining('used already')]);
  });

  it('by what another account proved: with both passwords at once, the flow is about one of the two', async () => {
    const victim = await server.addAccount({ totpSecret: SEED });
    const attackerSeed = 'KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU';
    for (let round = 0; round < 3; round += 1) {
      const { agent, page, party, authorization, email, account } = await signInPage(server, attackerSeed);
      await Promise.all([
        agent.post(page, { email, password: PASSWORD }),
        agent.post(page, { email: victim.email, password: PASSWORD }),
        agent.post(page, { email, password: PASSWORD }),
      ]);
      const asked = await agent.get(page.url);
      expect(seen(asked)).toMatch(/Enter your code/);
      const after = await agent.submit(asked, { code: codeOf(attackerSeed) });
      if (after.status === 422) continue;
      const back = await agent.submit(after, { decision: 'allow' });
      expect((await party.redeem(back, authorization)).claims()?.sub).toBe(account.id);
    }
  });

  it('by proving something as an account that is gone: the next one starts with nothing', async () => {
    const { agent, page, party, authorization, account } = await enrolmentPage(server);
    const codes = await agent.submit(page, { code: codeOf(seedOn(page)) });
    expect(seen(codes)).toMatch(/Keep these codes/);
    await server.app.stores.accounts.disable(account.id, BY_OPERATOR);
    const start = await agent.get(page.url);
    expect(seen(start)).toMatch(/Sign in/);

    const other = await server.addAccount({ totpSecret: SEED });
    const asked = await agent.submit(start, { email: other.email, password: PASSWORD });
    expect(seen(asked)).toMatch(/Enter your code/);
    const back = await agent.submit(await agent.submit(asked, { code: codeOf(SEED) }), { decision: 'allow' });
    const claims = (await party.redeem(back, authorization)).claims();
    expect(claims).toMatchObject({ sub: other.id, amr: ['pwd', 'otp', 'mfa'] });
  });
});

describe('a flow that was begun with an old password', () => {
  it.each(['setPassword', 'resetFactors'] as const)('starts over after %s', async (change) => {
    const { accounts } = server.app.stores;
    const { account } = await signInPage(server, SEED);
    const start = await signInPage(server);
    const asked = await start.agent.submit(start.page, { email: account.email, password: PASSWORD });
    expect(seen(asked)).toMatch(/Enter your code/);
    const hash = (await accounts.find(account.id))?.passwordHash as string;
    await (change === 'setPassword'
      ? accounts.setPassword(account.id, hash, BY_OPERATOR)
      : accounts.resetFactors(account.id, BY_OPERATOR));
    expect(seen(await start.agent.submit(asked, { code: codeOf(SEED) }))).toMatch(/Sign in/);
    expect(told((await ask(start, { prompt: 'none' })).page).error).toBe('login_required');
  });

  it('signs nobody in where the password was all that it took, and the attacker only waited', async () => {
    const { agent, page, party, email, account } = await signInPage(server);
    expect((await agent.post(page, { email, password: PASSWORD })).status).toBe(303);
    const { passwordHash } = account;
    await server.app.stores.accounts.setPassword(account.id, passwordHash as string, BY_OPERATOR);
    expect(seen(await agent.get(page.url))).toMatch(/Sign in/);
    expect(told((await ask({ party, agent }, { prompt: 'none' })).page).error).toBe('login_required');
  });
});

describe('enrolment of a second factor', () => {
  it('shows a seed of ours that no form carries, the same in every tab, another in every flow', async () => {
    const { agent, page } = await enrolmentPage(server);
    const seed = seedOn(page);
    expect(page.forms.flatMap(({ fields, action }) => [action, ...Object.values(fields)]).join(' ')).not.toContain(
      seed,
    );
    expect(seedOn(await agent.get(page.url))).toBe(seed);
    expect(seedOn((await enrolmentPage(server)).page)).not.toBe(seed);
  });

  it('takes no code of a seed that the form brings along', async () => {
    const { agent, page } = await enrolmentPage(server);
    const fields = { ...formOf(page).fields, code: codeOf(SEED), secret: SEED, seed: SEED, enrolment: SEED };
    const refused = await agent.request(formOf(page).action, {
      method: 'POST',
      body: new URLSearchParams(fields).toString(),
      headers: { 'content-type': FORM, 'sec-fetch-site': 'same-origin' },
    });
    expect(refused.status).toBe(422);
    expect(seedOn(await agent.get(page.url))).toBe(seedOn(page));
  });

  it('spends the step of the code that confirmed it', async () => {
    const { agent, page, party, email } = await enrolmentPage(server);
    const code = codeOf(seedOn(page));
    expect(seen(await agent.submit(page, { code }))).toMatch(/Keep these codes/);
    const other = createUserAgent(server.issuer);
    const asked = await other.submit((await ask({ party, agent: other })).page, { email, password: PASSWORD });
    expect((await other.post(asked, { code })).status).toBe(422);
  });

  it('is refused when password or factors changed meanwhile, and then starts over', async () => {
    const { accounts } = server.app.stores;
    const { agent, page, account } = await enrolmentPage(server);
    const { agent: second, party } = await signInPage(server, undefined, 'two-factor');
    const other = await ask({ party, agent: second });
    const twin = await second.submit(other.page, { email: account.email, password: PASSWORD });
    expect(seen(await second.submit(twin, { code: codeOf(seedOn(twin)) }))).toMatch(/Keep these codes/);

    const late = await agent.submit(page, { code: codeOf(seedOn(page)) });
    expect(seen(late)).toMatch(/Sign in/);
    const credentials = await accounts.totpCredentials(account.id);
    expect(credentials.map(({ secret }) => secret)).toEqual([seedOn(twin)]);
  });

  it('loses the race when both confirm at the same time: one authenticator, no 5xx, codes shown to one', async () => {
    const { agent, page, account, party } = await enrolmentPage(server);
    const second = createUserAgent(server.issuer);
    const other = await ask({ party, agent: second });
    const twin = await second.submit(other.page, { email: account.email, password: PASSWORD });
    const answers = await Promise.all([
      agent.submit(page, { code: codeOf(seedOn(page)) }),
      second.submit(twin, { code: codeOf(seedOn(twin)) }),
    ]);
    expect(answers.filter((answer) => /Keep these codes/.test(seen(answer)))).toHaveLength(1);
    for (const { status } of answers) expect(status).toBeLessThan(500);
    expect(await server.app.stores.accounts.totpCredentials(account.id)).toHaveLength(1);
    expect(await server.app.stores.accounts.recoveryCodesLeft(account.id)).toBe(10);
  });

  it('is asked for the factor that is there before anything else, and adds none', async () => {
    const { agent, page } = await secondFactorPage(server);
    const answer = await attack(
      { agent, page, good: { code: codeOf(SEED) }, next: /./ },
      { target: new URL(`${page.url}/totp-enrolment`).pathname },
    );
    expect(answer.status).toBe(303);
    expect(seen(await agent.get(page.url))).toMatch(/Enter your code/);
  });

  it('forgets a seed that was not confirmed within ten minutes', async () => {
    const own = await startTestServer();
    try {
      const { agent, page } = await enrolmentPage(own);
      const seed = seedOn(page);
      own.passTime(toMilliseconds(10 * MINUTE) - 30_000);
      expect(seedOn(await agent.get(page.url))).toBe(seed);
      own.passTime(60_000);
      const late = await agent.submit(page, { code: codeOf(seed, 20) });
      expect(seedOn(late)).not.toBe(seed);
      expect(seen(await agent.submit(late, { code: codeOf(seedOn(late), 20) }))).toMatch(/Keep these codes/);
    } finally {
      await own[Symbol.asyncDispose]();
    }
  });
});

describe('a recovery code', () => {
  it('opens the account once, as mfa and never as otp', async () => {
    const { agent, page, party, authorization, code, email } = await recoveryPage(server, 10);
    const back = await agent.submit(await agent.submit(page, { code: ` ${code.toUpperCase()} ` }), {
      decision: 'allow',
    });
    expect((await party.redeem(back, authorization)).claims()).toMatchObject({ amr: ['pwd', 'mfa'] });

    const other = createUserAgent(server.issuer);
    const asked = await other.submit((await ask({ party, agent: other })).page, { email, password: PASSWORD });
    const link = /href="([^"]+method=recovery-code)"/.exec(asked.html)?.[1] ?? '';
    const refused = await other.post(await other.get(link), { code });
    expect([refused.status, textOf(refused.html)]).toEqual([422, expect.stringContaining('used already')]);
  });

  it('is no way in before the password', async () => {
    const { agent, page } = await signInPage(server, SEED);
    expect(seen(await agent.get(`${page.url}?method=recovery-code`))).toMatch(/Sign in/);
    expect(seen(await agent.get(`${page.url}?method=recovery-code&method=totp`))).toMatch(/Sign in/);
  });
});
