import argon2 from 'argon2';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { newId } from '../../src/lib/ids.ts';
import { databaseFile } from '../../src/store/sqlite/engine.ts';
import { closeSqliteFile, openSqliteFile } from '../../src/store/sqlite/sqlite-file.ts';
import { send } from '../support/raw.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/server.ts';
import { codeOf } from '../support/sign-in.ts';
import { createUserAgent, type Page, textOf, type UserAgent } from '../support/user-agent.ts';
import { ask } from '../support/visit.ts';
import { formOf, recoveryPage, SEED, secondFactorPage, seen, setupTotpPage, signInPage } from './stations.ts';

/*
 * The attacker guesses: one account from everywhere, many accounts from one place, all at once, across restarts, with
 * a forged address; and looks at the answers for whether there is such an account.
 */

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ LIMIT_PER_ADDRESS: '10000' });
});
afterAll(() => server[Symbol.asyncDispose]());

const WRONG = 'not the password of anybody';
const MINUTES = /Too many tries\. Try again in (\d+) minutes?\./;

/** What an answer shows of itself, without what differs from one flow to another. */
function look({ status, headers, html }: Page, email: string): string {
  const random = /req_\w+|[\w-]{43}/g;
  const shown = [...headers].filter(([name]) => !['date', 'x-request-id', 'content-length'].includes(name));
  return JSON.stringify([status, shown, html.replaceAll(email, 'EMAIL')])
    .replaceAll(random, '')
    .replaceAll(/"retry-after","(89\d|900)"/g, 'LATER');
}

/** The connections that this process kept open are gone with the old server, which the first request finds out. */
async function restart(own: TestServer): Promise<void> {
  await own.restart();
  await fetch(`${own.issuer}/health/live`).catch(() => undefined);
  await fetch(`${own.issuer}/health/live`);
}

/** How often each event of a sign-in was written since the last look. */
function createAuditLook({ config }: TestServer) {
  let rows = 0;
  return () => {
    const handle = openSqliteFile({ file: databaseFile(config.folders.data) });
    const events = handle.prepare("SELECT event FROM AuditEvent WHERE event LIKE 'sign_in.%' ORDER BY at, id").all();
    closeSqliteFile(handle);
    const fresh = (events as { event: string }[]).slice(rows).map(({ event }) => event);
    rows = events.length;
    return {
      failed: fresh.filter((event) => event.endsWith('failed')).length,
      limited: fresh.filter((event) => event.endsWith('limited')).length,
    };
  };
}

describe('passwords', () => {
  it('may be tried ten times for what was typed, whoever it is; then even the right one must wait, and the page says how long', async () => {
    const { agent, page, email } = await signInPage(server);
    const looks = new Map<string, string[]>();
    for (const typed of [email, `${newId('acc')}@example.org`]) {
      const seenLooks: string[] = [];
      for (let count = 1; count <= 10; count += 1) {
        const refused = await agent.post(page, { email: typed, password: WRONG });
        expect([count, refused.status]).toEqual([count, 422]);
        seenLooks.push(look(refused, typed));
      }
      for (const password of [WRONG, PASSWORD]) {
        const limited = await agent.post(page, { email: typed.toUpperCase(), password });
        expect(limited.status).toBe(429);
        expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(14 * 60);
        expect(Number(limited.headers.get('retry-after'))).toBeLessThanOrEqual(15 * 60);
        expect(MINUTES.exec(textOf(limited.html))?.[1]).toBe('15');
        seenLooks.push(look(limited, typed.toUpperCase()));
      }
      looks.set(typed, seenLooks);
    }
    const [known, unknown] = [...looks.values()];
    expect(unknown).toEqual(known);
  });

  it('count for all spellings of one address', async () => {
    const { agent, page, email } = await signInPage(server);
    const spellings = [email, email.toUpperCase(), ` ${email} `, email.replace('e', 'ｅ')];
    for (let count = 0; count < 10; count += 1) {
      const refused = await agent.post(page, { email: spellings[count % 4] as string, password: WRONG });
      expect(refused.status).toBe(422);
    }
    for (const spelling of spellings) {
      expect((await agent.post(page, { email: spelling, password: PASSWORD })).status).toBe(429);
    }
  });

  it('let no more than ten through when fifty are tried at once', async () => {
    const { agent, page, email } = await signInPage(server);
    const answers = await Promise.all(Array.from({ length: 50 }, () => agent.post(page, { email, password: WRONG })));
    const count = (status: number) => answers.filter((answer) => answer.status === status).length;
    expect([count(422), count(429)]).toEqual([10, 40]);
  });

  it('that are right give back their own try only', async () => {
    const { agent, party, email } = await signInPage(server);
    const tryOnce = async (password: string) => {
      const browser = createUserAgent(server.issuer);
      const { page } = await ask({ party, agent: browser });
      return (await browser.post(page, { email, password })).status;
    };
    expect(agent.jar.size).toBeGreaterThan(0);
    for (let count = 0; count < 9; count += 1) expect(await tryOnce(WRONG)).toBe(422);
    for (let count = 0; count < 5; count += 1) expect(await tryOnce(PASSWORD)).toBe(303);
    expect(await tryOnce(WRONG)).toBe(422);
    expect(await tryOnce(PASSWORD)).toBe(429);
  });

  it('that no address or password can be are refused without being counted', async () => {
    const { agent, page, email } = await signInPage(server);
    for (let count = 0; count < 12; count += 1) {
      expect((await agent.post(page, { email, password: '' })).status).toBe(422);
      expect((await agent.post(page, { email, password: 'x'.repeat(257) })).status).toBe(422);
      expect((await agent.post(page, { email: 'nobody', password: PASSWORD })).status).toBe(422);
    }
    expect((await agent.post(page, { email, password: PASSWORD })).status).toBe(303);
  });

  it('wait longer each time, also across a restart', async () => {
    const own = await startTestServer();
    try {
      const { agent, page, email } = await signInPage(own);
      const fail = async () => agent.post(page, { email, password: WRONG });
      for (let count = 0; count < 10; count += 1) await fail();
      const first = Number((await fail()).headers.get('retry-after'));
      await restart(own);
      expect(Number((await fail()).headers.get('retry-after'))).toBeGreaterThan(first - 60);

      own.passTime(first * 1000 + 1000);
      for (let count = 0; count < 10; count += 1) expect((await fail()).status).toBe(422);
      const second = Number((await fail()).headers.get('retry-after'));
      expect(second).toBeGreaterThan(1.9 * first);
      own.passTime(second * 1000 + 1000);
      expect((await agent.post(page, { email, password: PASSWORD })).status).toBe(303);
    } finally {
      await own[Symbol.asyncDispose]();
    }
  });
});

describe('a wait', () => {
  it('is written down once, when it begins, and not for each of those who come during it', async () => {
    const own = await startTestServer({ LIMIT_PER_ADDRESS: '30' });
    try {
      const look = createAuditLook(own);
      const { agent, page, email } = await signInPage(own);
      for (let count = 0; count < 25; count += 1) await agent.post(page, { email, password: WRONG });
      expect(look()).toEqual({ failed: 10, limited: 1 });
      // The visitor's address is next.
      for (let count = 0; count < 20; count += 1) await agent.post(page, { email, password: WRONG });
      expect(look()).toEqual({ failed: 0, limited: 1 });
    } finally {
      await own[Symbol.asyncDispose]();
    }
  });

  it('is written down once for codes, too, and again when it begins again', async () => {
    const own = await startTestServer();
    try {
      const look = createAuditLook(own);
      const { agent, page } = await secondFactorPage(own);
      for (let round = 0; round < 2; round += 1) {
        let wait = 0;
        for (let count = 0; count < 12; count += 1) {
          const { headers } = await agent.post(page, { code: codeOf(SEED, 5000) });
          wait = Number(headers.get('retry-after') ?? 0);
        }
        expect(look()).toEqual({ failed: 5, limited: 1 });
        own.passTime(wait * 1000 + 1000);
      }
    } finally {
      await own[Symbol.asyncDispose]();
    }
  });
});

describe('a server that has no time to check', () => {
  it("uses up nobody's tries, and takes none of the failures back", async () => {
    const own = await startTestServer({ ARGON2_CONCURRENCY: '1', ARGON2_QUEUE: '1' });
    const verify = vi.spyOn(argon2, 'verify');
    try {
      const { agent, page, email } = await signInPage(own);
      const type = async (password: string) => (await agent.post(page, { email, password })).status;
      for (let count = 0; count < 11; count += 1) await type(WRONG);
      own.passTime(15 * 60 * 1000 + 1000);
      for (let count = 0; count < 9; count += 1) expect(await type(WRONG)).toBe(422);

      const free: (() => void)[] = [];
      verify.mockImplementation(() => new Promise((resolve) => void free.push(() => resolve(false))));
      // One is checked, one waits for that, and the third is sent away.
      const crowd = [await signInPage(own), await signInPage(own), await signInPage(own)];
      const answers: number[] = [];
      const crowded = crowd.map(async (one) => {
        answers.push((await one.agent.post(one.page, { email: one.email, password: WRONG })).status);
      });
      await vi.waitUntil(() => answers.length === 1);
      const sentAway = new Set<number>();
      for (let count = 0; count < 20; count += 1) sentAway.add(await type(PASSWORD));
      verify.mockRestore();
      free[0]?.();
      await Promise.all(crowded);
      expect(answers).toEqual([503, 422, 422]);
      expect(sentAway).toEqual(new Set([503]));

      expect(await type(WRONG)).toBe(422);
      const limited = await agent.post(page, { email, password: WRONG });
      expect(limited.status).toBe(429);
      expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(29 * 60); // the second wait in a row
    } finally {
      verify.mockRestore();
      await own[Symbol.asyncDispose]();
    }
  });
});

describe('codes', () => {
  async function recovery(agent: UserAgent, page: Page) {
    return agent.get(/href="([^"]+method=recovery-code)"/.exec(page.html)?.[1] ?? '');
  }

  it('of the app and for recovery share five tries, and a second flow has none of its own', async () => {
    const { agent, page, party, email, codes, account } = await recoveryPage(server, 10);
    const totp = await agent.get(page.url.replace(/\?.*/, ''));
    const wrong = codeOf(SEED, 5000);
    for (let count = 0; count < 3; count += 1) expect((await agent.post(totp, { code: wrong })).status).toBe(422);
    for (let count = 0; count < 2; count += 1)
      expect((await agent.post(page, { code: 'abcd-efgh-jkmn' })).status).toBe(422);

    const other = createUserAgent(server.issuer);
    const asked = await other.submit((await ask({ party, agent: other })).page, { email, password: PASSWORD });
    const attempts: [UserAgent, Page, string][] = [
      [agent, totp, codeOf(SEED)],
      [agent, page, codes[0] as string],
      [other, asked, codeOf(SEED)],
      [other, await recovery(other, asked), codes[1] as string],
    ];
    for (const [browser, form, code] of attempts) {
      const limited = await browser.post(form, { code });
      expect(limited.status).toBe(429);
      expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(14 * 60);
      expect(textOf(limited.html)).toMatch(MINUTES);
    }
    expect(await server.app.stores.accounts.recoveryCodesLeft(account.id)).toBe(10);
  });
  it('let no more than five through when fifty are tried at once', async () => {
    const { agent, page } = await secondFactorPage(server);
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => agent.post(page, { code: codeOf(SEED, 5000 + index) })),
    );
    const count = (status: number) => answers.filter((answer) => answer.status === status).length;
    expect([count(422), count(429)]).toEqual([5, 45]);
  });

  it('work once, however many browsers send one at the same time', async () => {
    const { party, email } = await signInPage(server, SEED);
    const asked = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const agent = createUserAgent(server.issuer);
        const { page } = await ask({ party, agent });
        return { agent, page: await agent.submit(page, { email, password: PASSWORD }) };
      }),
    );
    const code = codeOf(SEED);
    const statuses = await Promise.all(asked.map(async ({ agent, page }) => (await agent.post(page, { code })).status));
    expect(statuses.sort()).toEqual([303, 422, 422, 422, 422]);
  });

  it('are not given back by the right password', async () => {
    const { agent, page, party, email } = await secondFactorPage(server);
    for (let count = 0; count < 5; count += 1) await agent.post(page, { code: codeOf(SEED, 5000) });
    const other = createUserAgent(server.issuer);
    const asked = await other.submit((await ask({ party, agent: other })).page, { email, password: PASSWORD });
    expect((await other.post(asked, { code: codeOf(SEED) })).status).toBe(429);
  });

  it('survive a restart', async () => {
    const own = await startTestServer();
    try {
      const { agent, page } = await secondFactorPage(own);
      for (let count = 0; count < 5; count += 1) await agent.post(page, { code: codeOf(SEED, 5000) });
      await restart(own);
      expect((await agent.post(page, { code: codeOf(SEED) })).status).toBe(429);
    } finally {
      await own[Symbol.asyncDispose]();
    }
  });
});

describe('one address', () => {
  const FEW = { LIMIT_PER_ADDRESS: '6' };

  /** A wrong password for somebody else each time. */
  async function guesses(own: TestServer, headers: Record<string, string>[]): Promise<number[]> {
    const { agent, page } = await signInPage(own);
    const { action, fields } = formOf(page);
    const cookie = [...agent.jar.values()].map(({ name, value }) => `${name}=${value}`).join('; ');
    const form = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin', cookie };
    const statuses: number[] = [];
    for (const one of headers) {
      const typed = { ...fields, email: `${newId('acc')}@example.org`, password: WRONG };
      const body = new URLSearchParams(typed).toString();
      const { status } = await send(own, { method: 'POST', target: action, body, headers: { ...form, ...one } });
      statuses.push(status);
    }
    return statuses;
  }
  const from = (address: string) => ({ 'x-forwarded-for': address });

  it('guesses at many accounts a few times only, whatever it says its address is', async () => {
    const own = await startTestServer(FEW);
    try {
      const forged = Array.from({ length: 6 }, (_, index) => from(`198.51.100.${index}`));
      expect(await guesses(own, forged)).toEqual(Array(6).fill(422));
      expect(await guesses(own, [{}, from('198.51.100.200')])).toEqual([429, 429]);
    } finally {
      await own[Symbol.asyncDispose]();
    }
  });

  it('waits equally long each time, since many people may share it', async () => {
    const own = await startTestServer(FEW);
    try {
      const { agent, page } = await signInPage(own);
      for (let round = 0; round < 4; round += 1) {
        let limited: Page | undefined;
        for (let count = 0; count <= 6; count += 1) {
          limited = await agent.post(page, { email: `${newId('acc')}@example.org`, password: WRONG });
        }
        expect(limited?.status).toBe(429);
        expect(Number(limited?.headers.get('retry-after'))).toBeLessThanOrEqual(15 * 60);
        own.passTime(15 * 60 * 1000 + 1000);
      }
    } finally {
      await own[Symbol.asyncDispose]();
    }
  });

  it('is the one that a listed proxy names, not what was written before it', async () => {
    const own = await startTestServer({ ...FEW, TRUSTED_PROXIES: '127.0.0.1, ::1, 10.0.0.0/8' });
    try {
      const forged = Array.from({ length: 6 }, (_, index) => from(`198.51.100.${index}, 203.0.113.5, 10.1.1.1`));
      expect(await guesses(own, forged)).toEqual(Array(6).fill(422));
      expect(await guesses(own, [from('203.0.113.5'), from('203.0.113.6'), from('10.1.1.1, 203.0.113.5')])).toEqual([
        429, 422, 429,
      ]);
      // IPv6: a customer has a whole /64.
      const neighbours = Array.from({ length: 6 }, (_, index) => from(`2001:db8:0:7::${index + 1}`));
      expect(await guesses(own, neighbours)).toEqual(Array(6).fill(422));
      expect(await guesses(own, [from('2001:db8:0:7:ffff::1'), from('2001:db8:0:8::1')])).toEqual([429, 422]);
      // What is no address at all counts for the proxy itself.
      expect(await guesses(own, Array(7).fill(from('unknown, "; DROP TABLE attempt')))).toEqual([
        ...Array(6).fill(422),
        429,
      ]);
    } finally {
      await own[Symbol.asyncDispose]();
    }
  });

  it('has its limits at the set-up as well, with a page and a header that say when', async () => {
    const own = await startTestServer({ LIMIT_PER_ADDRESS: '3' });
    try {
      const { agent, page } = await setupTotpPage(own);
      for (let count = 0; count < 3; count += 1) expect((await agent.post(page, { code: '000000' })).status).toBe(422);
      const limited = await agent.post(page, { code: '000000' });
      expect([limited.status, Number(limited.headers.get('retry-after')) > 14 * 60]).toEqual([429, true]);
      expect(seen(limited)).toMatch(MINUTES);
    } finally {
      await own[Symbol.asyncDispose]();
    }
  });
});
