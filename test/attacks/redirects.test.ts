import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CALLBACK } from '../support/relying-party.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createUserAgent, type UserAgent, unescapeHtml } from '../support/user-agent.ts';
import { enter, type Visit, visit } from '../support/visit.ts';
import { ROUTES } from './routes.ts';

/*
 * The attacker sends somebody a link that begins with our name and ends at their page. Tried: every parameter that
 * programs take addresses in, and every way to write another host that browsers understand.
 */
const EVIL = 'evil.example.net';
const HOSTILE = [
  ...[`https://${EVIL}/`, `//${EVIL}`, `///${EVIL}`, `/\\${EVIL}`, `\\\\${EVIL}`, `https:${EVIL}`, `https:/${EVIL}`],
  ...[`/\t/${EVIL}`, `\u0000//${EVIL}`, `@${EVIL}`, `.${EVIL}`, `javascript://${EVIL}/%0aalert(1)`],
  ...[`x\r\nLocation: https://${EVIL}/`, `data:text/html,${EVIL}`],
];
const NAMES = [
  ...['redirect_uri', 'post_logout_redirect_uri', 'redirect', 'return_to', 'returnTo', 'next', 'continue', 'url'],
  ...['state', 'error', 'method', 'target_link_uri', 'login_hint', 'ui_locales', 'client_id', 'request_uri', 'code'],
  ...['id_token_hint', 'logout_hint', 'iss', 'token', 'v'],
];

let server: TestServer;
let person: Visit;
let browsers: UserAgent[];
beforeAll(async () => {
  server = await startTestServer({ LIMIT_ADDRESS_REQUESTS: '1000000' });
  person = await visit(server, { postLogoutRedirectUris: [CALLBACK] });
  await enter(person);
  expect((await person.agent.follow('/account')).status).toBe(200);
  browsers = [createUserAgent(server.issuer), person.agent];
});
afterAll(() => server[Symbol.asyncDispose]());

/** Where an answer sends a browser, by itself or by a click. */
async function leadsTo(agent: UserAgent, target: string): Promise<URL[]> {
  const answer = await agent.request(target);
  expect(answer.status, target).toBeLessThan(500);
  const refresh = /url=(.*)$/i.exec(answer.headers.get('refresh') ?? '')?.[1];
  const text = await answer.text();
  const html = answer.headers.get('content-type')?.startsWith('text/html') ? text : '';
  const written = [...html.matchAll(/\b(?:href|action|src|formaction)="([^"]*)"/g)].map(([, href]) => String(href));
  return [answer.headers.get('location'), refresh, ...written.map(unescapeHtml)]
    .filter((href) => href !== null && href !== undefined)
    .map((href) => new URL(href, new URL(target, server.issuer)));
}

async function expectHome(agent: UserAgent, target: string): Promise<void> {
  const away = (await leadsTo(agent, target)).filter(({ origin }) => origin !== server.issuer);
  // An app of the person's own, with a secret that was made here.
  const elsewhere = away.map(({ href }) => href).filter((href) => !/^otpauth:\/\/totp\/Gatewright:/.test(href));
  expect([target, elsewhere]).toEqual([target, []]);
}

const withAll = (value: string) => new URLSearchParams(NAMES.map((name) => [name, value]));

describe('no address of ours leads away', () => {
  it.each(ROUTES)('%s, whatever its parameters say', async (path) => {
    for (const agent of browsers) {
      for (const value of HOSTILE) await expectHome(agent, `${path}?${withAll(value)}`);
    }
    for (const name of NAMES) {
      await expectHome(person.agent, `${path}?${new URLSearchParams({ [name]: `//${EVIL}` })}`);
    }
  });

  it.each(ROUTES)('%s, whatever stands around its path', async (path) => {
    for (const before of ['/', '/\\', '/%2F', '/%5C', '/.', '/..', '/%2e%2e/']) {
      await expectHome(person.agent, `${server.issuer}${before}${EVIL}${path}`);
    }
    for (const after of ['/', `//${EVIL}`, `/%2F${EVIL}`, `/\\${EVIL}`, `;@${EVIL}`, `/..//${EVIL}`]) {
      await expectHome(person.agent, `${server.issuer}${path}${after}`);
    }
  });

  it('the way back from the sign-in to the account is by its own names alone', async () => {
    for (const state of [...HOSTILE, 'profile/../..//x', 'constructor', '__proto__', 'account', '']) {
      const [to] = await leadsTo(person.agent, `/account/signed-in?${new URLSearchParams({ state })}`);
      expect([state, to?.href]).toEqual([state, `${server.issuer}/account`]);
    }
    const [to] = await leadsTo(person.agent, '/account/signed-in?state=profile&state=password');
    expect(to?.href).toBe(`${server.issuer}/account`);
  });
});

describe('an application is reached at its registered address alone', () => {
  const { origin } = new URL(CALLBACK);
  const LIKE_IT = [
    ...[
      `${CALLBACK}/`,
      `${CALLBACK}?x=//${EVIL}`,
      `${CALLBACK}#${EVIL}`,
      `${CALLBACK}/../${EVIL}`,
      `${CALLBACK}.${EVIL}`,
    ],
    ...[`http://localhost:9@${EVIL}/callback`, `http://localhost:9.${EVIL}/callback`, `http://${EVIL}/callback`],
    ...[`http:\\\\${EVIL}/callback`, CALLBACK.toUpperCase(), ` ${CALLBACK}`, `${CALLBACK}\\@${EVIL}`],
    ...[CALLBACK.replace('http:', 'https:'), `//localhost:9/callback`],
  ];

  it.each(LIKE_IT)('and not at %j', async (address) => {
    const { url } = await person.party.authorization();
    const asked = new URL(url);
    asked.searchParams.set('redirect_uri', address);
    for (const agent of browsers) await expectHome(agent, asked.href);
    const logout = new URLSearchParams({ client_id: person.client.id, post_logout_redirect_uri: address });
    for (const agent of browsers) await expectHome(agent, `/oauth2/logout?${logout}`);
  });

  it('whatever the state and the answer are', async () => {
    for (const state of HOSTILE) {
      for (const more of [{}, { response_mode: 'query' }, { prompt: 'none', max_age: '0' }]) {
        const { url } = await person.party.authorization({ state, ...more });
        const [to] = await leadsTo(person.agent, url);
        const isOwn = to?.origin === server.issuer;
        expect([state, isOwn || to?.origin === origin]).toEqual([state, true]);
        if (!isOwn) expect([to?.pathname, to?.searchParams.get('state')]).toEqual(['/callback', state]);
      }
    }
  });
});
