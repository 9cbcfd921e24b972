import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BY_SYSTEM } from '../../src/lib/by.ts';
import { makeSetupLink } from '../../src/setup/setup-link.ts';
import { basic, post } from '../support/endpoint.ts';
import { send, sendBytes } from '../support/raw.ts';
import { CALLBACK } from '../support/relying-party.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { ask, enter, visit } from '../support/visit.ts';
import { EVERY_ROUTE, ROUTES } from './routes.ts';

/*
 * The attacker wants addresses of theirs in what we answer or keep: in discovery, in a link or redirect, in the
 * audience that a client's assertion may have. Tried: another Host, every forwarded header, a request target that
 * names a host, two slashes, two Hosts.
 */
const EVIL = 'evil.example.net';
const EVIL_ADDRESS = '203.0.113.77';

const FORWARDED = {
  'x-forwarded-host': EVIL,
  'x-forwarded-proto': 'gopher',
  'x-forwarded-port': '6666',
  'x-forwarded-prefix': `/${EVIL}`,
  'x-forwarded-for': EVIL_ADDRESS,
  'x-forwarded-server': EVIL,
  'x-original-host': EVIL,
  'x-original-url': `/${EVIL}`,
  'x-rewrite-url': `/${EVIL}`,
  'x-host': EVIL,
  forwarded: `for=${EVIL_ADDRESS};host=${EVIL};proto=gopher`,
};
const FOREIGN = /evil\.example\.net|203\.0\.113\.77|gopher|:6666\b/i;

let server: TestServer;
/** What the library hands over to be kept, before it is sealed. */
const kept: string[] = [];

beforeAll(async () => {
  server = await startTestServer({ SIGN_UP: 'open' });
  const { artifacts } = server.app.stores;
  const { put, putOnce } = artifacts;
  artifacts.put = async (...args) => {
    kept.push(JSON.stringify(args));
    return put(...args);
  };
  artifacts.putOnce = async (...args) => {
    kept.push(JSON.stringify(args));
    return putOnce(...args);
  };
});
afterAll(() => server[Symbol.asyncDispose]());

/** Who watches may know the machine by its address only; the page of the refusal has a stylesheet. Neither names a host. */
const answersAnyName = (path: string) => path.startsWith('/health/') || path === '/assets/look.css';
const form = { 'content-type': 'application/x-www-form-urlencoded' };
const bodyOf = (method: string) => (method === 'POST' || method === 'PUT' ? { headers: form, body: 'a=b' } : {});

describe('the name of this server comes from its configuration', () => {
  it.each(EVERY_ROUTE)('$method $path is not there under another Host', async ({ method, path }) => {
    for (const host of [EVIL, `${new URL(server.issuer).host}.${EVIL}`, `user@${EVIL}`, 'localhost', '']) {
      const { headers, ...rest } = { headers: {}, ...bodyOf(method) };
      const { status, text } = await send(server, { method, target: path, headers: { ...headers, host }, ...rest });
      if (answersAnyName(path)) expect([200, 404, 421]).toContain(status);
      else expect([host, status]).toEqual([host, 421]);
      expect(text).not.toMatch(FOREIGN);
    }
  });

  it.each(EVERY_ROUTE)('$method $path answers the same whatever a forwarded header says', async ({ method, path }) => {
    const { headers, ...rest } = { headers: {}, ...bodyOf(method) };
    const plain = await send(server, { method, target: path, headers, ...rest });
    const forged = await send(server, { method, target: path, headers: { ...headers, ...FORWARDED }, ...rest });
    expect(forged.text).not.toMatch(FOREIGN);
    // But for times and what is random: ids, cookies, the form token of the library.
    const timeless = ({ text }: { text: string }) =>
      text.replaceAll(/r=\d+;t=\d+|req_\w+|\w{3}, \d.* GMT|[\w-]{43,}/g, '');
    expect(timeless(forged)).toBe(timeless(plain));
  });

  it.each(ROUTES)('%s is not found through a target that names a host', async (path) => {
    const own = new URL(server.issuer).host;
    for (const target of [`http://${EVIL}${path}`, `https://${EVIL}${path}`, `http://${own}${path}`]) {
      for (const host of [own, EVIL]) {
        const answer = await sendBytes(server, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
        if (path !== '/assets/look.css') expect(answer).toMatch(/^HTTP\/1\.1 421 /);
        expect(answer).not.toMatch(FOREIGN);
      }
    }
    const slashes = await send(server, { target: `//${EVIL}${path}` });
    expect([404, 410]).toContain(slashes.status);
    expect(slashes.text).not.toMatch(FOREIGN);
  });

  it('two Hosts, none, and one in HTTP/1.0 lead nowhere either', async () => {
    const own = new URL(server.issuer).host;
    const path = '/.well-known/openid-configuration';
    for (const head of [
      `GET ${path} HTTP/1.1\r\nHost: ${own}\r\nHost: ${EVIL}\r\nConnection: close\r\n\r\n`,
      `GET ${path} HTTP/1.1\r\nHost: ${EVIL}\r\nHost: ${own}\r\nConnection: close\r\n\r\n`,
      `GET ${path} HTTP/1.1\r\nConnection: close\r\n\r\n`,
      `GET ${path} HTTP/1.0\r\n\r\n`,
      `GET ${path} HTTP/1.0\r\nHost: ${EVIL}\r\n\r\n`,
    ]) {
      const answer = await sendBytes(server, head);
      expect(answer).not.toMatch(FOREIGN);
      if (!head.startsWith(`GET ${path} HTTP/1.1\r\nHost: ${own}`)) expect(answer).toMatch(/^HTTP\/1\.1 4(00|21) /);
    }
  });

  it('health answers under any name, since whoever watches may know the machine by its address only', async () => {
    for (const target of ['/health/live', '/health/ready']) {
      const { status, body } = await send(server, { target, headers: { host: '10.1.2.3:3000' } });
      expect([status, body]).toEqual([200, expect.stringMatching(/^\{"status":"ok"/)]);
    }
  });
});

describe('after whole visits with forged headers', () => {
  it('nothing foreign is in a page, a header, a redirect, a record or a line of the log', async () => {
    const person = await visit(server, { firstParty: false, postLogoutRedirectUris: [CALLBACK] });
    const seen: string[] = [];
    const original = globalThis.fetch;
    globalThis.fetch = async (input, init = {}) => {
      const headers = new Headers(init.headers ?? (input instanceof Request ? input.headers : {}));
      for (const [name, value] of Object.entries(FORWARDED)) headers.set(name, value);
      const response = await original(input, { ...init, headers });
      seen.push(JSON.stringify([...response.headers]), await response.clone().text());
      return response;
    };
    try {
      const tokens = await enter(person, { scope: 'openid email offline_access', prompt: 'consent' });
      await person.party.userinfo(tokens.access_token, person.account.id);
      await person.party.refresh(tokens.refresh_token ?? '');
      await ask(person, { prompt: 'none' });
      const pushed = await post(
        server,
        '/oauth2/par',
        Object.fromEntries(new URL((await person.party.authorization()).url).searchParams),
        basic(person.client),
      );
      expect(pushed.status).toBe(201);
      const page = await person.agent.follow('/oauth2/logout');
      await person.agent.submit(page, { logout: 'yes' });
      const link = await makeSetupLink(
        { links: server.app.stores.setupLinks, issuer: server.issuer, clock: Date.now },
        BY_SYSTEM,
      );
      expect((await person.agent.follow(link)).forms.map(({ action }) => action)).toEqual(['/setup/account']);
    } finally {
      globalThis.fetch = original;
    }

    expect(seen.length).toBeGreaterThan(20);
    for (const text of seen) expect(text).not.toMatch(FOREIGN);
    expect(kept.length).toBeGreaterThan(8);
    for (const record of kept) expect(record).not.toMatch(FOREIGN);
    expect(server.logged.length).toBeGreaterThan(100);
    for (const line of server.logged) expect(line).not.toMatch(/evil\.example\.net|203\.0\.113\.77|gopher/);
    for (const name of readdirSync(server.config.folders.data)) {
      const bytes = readFileSync(`${server.config.folders.data}/${name}`, 'latin1');
      expect([name, bytes.includes(EVIL), bytes.includes(EVIL_ADDRESS)]).toEqual([name, false, false]);
    }
  });
});
