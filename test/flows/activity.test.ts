import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createUserAgent, textOf, type UserAgent } from '../support/user-agent.ts';
import { enter, visit } from '../support/visit.ts';
import { atAccount, SEED } from './account-visit.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ TRUSTED_PROXIES: '127.0.0.1,::1' });
});
afterAll(() => server[Symbol.asyncDispose]());

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';

async function linesOf(agent: UserAgent, path = '/account/activity', language = 'en') {
  const html = await (await agent.request(path, { headers: { 'accept-language': language } })).text();
  const items = [...(/<ul class="things">([\s\S]*?)<\/ul>/.exec(html)?.[1] ?? '').matchAll(/<li>([\s\S]*?)<\/li>/g)];
  const older = /href="([^"]+)" rel="next"/.exec(html)?.[1] ?? null;
  return { html, older, lines: items.map(([, item = '']) => textOf(item)) };
}

describe('the activity of an account', () => {
  it('is told in words, the latest first, with where it was and with whom', async () => {
    const person = await visit(server, { name: 'Sea Charts', person: { totpSecret: SEED } });
    person.agent.moveTo('198.51.100.20');
    const { request } = person.agent;
    person.agent.request = (url, init = {}) =>
      request(url, { ...init, headers: { ...Object.fromEntries(new Headers(init.headers)), 'user-agent': FIREFOX } });
    await enter(person);
    const { html, lines } = await linesOf(person.agent);
    expect(lines[0]).toMatch(/^Signed in .*Sea Charts.* UTC/);
    expect(lines[0]).toContain('198.51.100.20');
    // Both at one instant.
    const created = lines.find((line) => line.includes('The account was created'));
    expect(created).toContain('by the people who run this server');
    expect(html).toMatch(/<time datetime="\d{4}-\d\d-\d\dT[\d:.]+Z">/);
    const german = await linesOf(person.agent, undefined, 'de');
    expect(german.lines.join()).toContain('Das Konto wurde angelegt');
  });

  it('shows the owner who was at the door, and nobody else', async () => {
    const { email } = await server.addAccount();
    const other = await server.addAccount();
    const attacker = createUserAgent(server.issuer);
    attacker.moveTo('203.0.113.66');
    const refused = await attacker.submit(await attacker.follow('/account'), { email, password: 'a wrong guess here' });
    expect(refused.status).toBe(422);
    const { agent } = await atAccount(server, { email });
    const tried = (await linesOf(agent)).lines.find((line) => line.includes('Somebody tried to sign in'));
    expect(tried).toMatch(/Did not succeed/);
    expect(tried).toMatch(/Password · .*203\.0\.113\.66/);
    const { agent: elsewhere } = await atAccount(server, { email: other.email });
    const { html } = await linesOf(elsewhere);
    expect(html).not.toContain('203.0.113.66');
    expect(html).not.toContain('Somebody tried');
  });

  it('keeps the address of an operator who signed in and changed the account to that operator', async () => {
    const { id, email } = await server.addAccount();
    const operator = { actor: 'acc_somebodyElse', address: '192.0.2.99', requestId: null, browser: 'Safari on macOS' };
    await server.app.stores.accounts.signOut(id, operator);
    const { agent } = await atAccount(server, { email });
    const { html, lines } = await linesOf(agent);
    expect(lines.find((line) => line.includes('Signed out everywhere'))).toContain('by the people who run this server');
    expect(html).not.toMatch(/192\.0\.2\.99|Safari|acc_somebodyElse/);
  });

  it('goes back page by page to its beginning', async () => {
    const { id, email } = await server.addAccount();
    const by = { actor: id, address: '198.51.100.1', requestId: null };
    for (let count = 0; count < 120; count += 1) {
      await server.app.stores.audit.write({ event: 'session.ended', accountId: id }, by);
    }
    const { agent } = await atAccount(server, { email });
    const sizes: number[] = [];
    let last: string | undefined;
    for (let path: string | null = '/account/activity'; path && sizes.length < 5; ) {
      const { lines, older }: Awaited<ReturnType<typeof linesOf>> = await linesOf(agent, path);
      sizes.push(lines.length);
      last = lines.at(-1);
      path = older;
    }
    // One is the creation, one the sign-in.
    expect(sizes).toEqual([50, 50, 22]);
    expect(last).toContain('The account was created');
  });

  it('takes no place that it did not give', async () => {
    const { email } = await server.addAccount();
    const { agent } = await atAccount(server, { email });
    const id = `evt_${'a'.repeat(22)}`;
    const wrong = [
      ...[
        'x',
        '',
        '1',
        `-1.${id}`,
        `1e3.${id}`,
        `9999999999999999.${id}`,
        `1.${id}x`,
        "1.evt_' OR 1=1 --",
        `1.${id}\0`,
      ],
      'x'.repeat(3_000),
    ];
    for (const before of wrong) {
      const { status } = await agent.get(`/account/activity?before=${encodeURIComponent(before)}`);
      expect([before, status]).toEqual([before, 404]);
    }
    expect((await agent.get(`/account/activity?before=1.${id}&before=2.${id}`)).status).toBe(404);
    const { lines } = await linesOf(agent, `/account/activity?before=999999999999999.${id}`);
    expect(lines.at(-1)).toContain('The account was created');
    const stranger = createUserAgent(server.issuer);
    expect((await stranger.get('/account/activity')).status).toBe(303);
  });
});
