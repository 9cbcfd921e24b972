import net from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { EVERY_ROUTE, ROUTES, TRACES } from '../attacks/routes.ts';
import { secondFactorPage, seen, signInPage } from '../attacks/stations.ts';
import { basic, bearer, post } from '../support/endpoint.ts';
import { type RawAnswer, type RawRequest, send } from '../support/raw.ts';
import { CALLBACK } from '../support/relying-party.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/server.ts';
import { createUserAgent } from '../support/user-agent.ts';
import { ask, told, visit } from '../support/visit.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ SIGN_UP: 'open', LIMIT_PER_ADDRESS: '10000' });
});
afterAll(() => server[Symbol.asyncDispose]());
afterEach(() => {
  vi.restoreAllMocks();
});

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const forBrowsers = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
const forPrograms = { accept: 'application/json' };

type Line = { requestId?: string; msg?: string; route?: string; method?: string; status?: number; level: number };
const lines = () => server.logged.map((line) => JSON.parse(line) as Line);
const linesOf = ({ headers }: Pick<RawAnswer, 'headers'>) =>
  lines().filter(({ requestId }) => requestId === headers['x-request-id']);

function authorize(parameters: Record<string, string>): string {
  const query = new URLSearchParams({
    ...{ response_type: 'code', scope: 'openid', redirect_uri: CALLBACK },
    ...{ code_challenge: 'a'.repeat(43), code_challenge_method: 'S256', ...parameters },
  });
  return `/oauth2/authorize?${query}`;
}

describe('what goes wrong', () => {
  const CASES: Record<string, () => Promise<{ request: RawRequest; status: number; error: string; text: RegExp }>> = {
    'an address that there is not': async () => ({
      ...{ request: { target: '/no/such/page' }, status: 404 },
      ...{ error: 'not_found', text: /There is no such page/ },
    }),
    'a method that there is not': async () => ({
      ...{ request: { target: '/oauth2/token' }, status: 404 },
      ...{ error: 'not_found', text: /There is no such page/ },
    }),
    'another Host': async () => ({
      ...{ request: { target: '/', headers: { host: 'evil.example.net' } }, status: 421 },
      ...{ error: 'wrong_host', text: /This is not the right address.*http:\/\/localhost.*ISSUER.*Host header/s },
    }),
    'a flow that has ended': async () => ({
      ...{ request: { target: '/interaction/nobody-knows-this-one' }, status: 400 },
      ...{ error: 'flow_expired', text: /This sign-in has ended.*start again/s },
    }),
    'a set-up link that was used': async () => ({
      ...{ request: { target: '/setup/gwl_x' }, status: 410 },
      ...{ error: 'setup_link_spent', text: /This link does not work any more.*ask for a new link/s },
    }),
    'a client that nobody registered': async () => ({
      ...{ request: { target: authorize({ client_id: 'cli_nobody' }) }, status: 400 },
      ...{ error: 'invalid_client', text: /The application sent a wrong request.*invalid_client/s },
    }),
    'a client that was disabled': async () => {
      const { id } = await server.addClient('web', { redirectUris: [CALLBACK] });
      await server.app.stores.clients.setStatus(id, 'disabled', BY_OPERATOR);
      return {
        ...{ request: { target: authorize({ client_id: id }) }, status: 400 },
        ...{ error: 'invalid_client', text: /The application sent a wrong request/ },
      };
    },
    'an address to return to that is not registered': async () => {
      const { id } = await server.addClient('web', { redirectUris: [CALLBACK] });
      const target = authorize({ client_id: id, redirect_uri: 'https://evil.example.net/' });
      return {
        ...{ request: { target }, status: 400 },
        ...{ error: 'invalid_redirect_uri', text: /The application sent a wrong request.*redirect_uri/s },
      };
    },
    'a mistake of ours': async () => {
      vi.spyOn(server.app.stores.setupLinks, 'isOpen').mockRejectedValue(new Error('the disk is on fire'));
      return {
        ...{ request: { target: '/setup/gwl_x' }, status: 500 },
        ...{ error: 'server_error', text: /Something went wrong/ },
      };
    },
    'a mistake of ours below the library': async () => {
      const { id } = await server.addClient('web', { redirectUris: [CALLBACK] });
      vi.spyOn(server.app.stores.registry, 'client').mockRejectedValue(new Error('the disk is on fire'));
      return {
        ...{ request: { target: authorize({ client_id: id }) }, status: 500 },
        ...{ error: 'server_error', text: /Something went wrong/ },
      };
    },
  };

  it.each(Object.entries(CASES))('%s: a page for people, JSON for programs, a line in the log', async (_name, make) => {
    const { request, status, error, text } = await make();
    const page = await send(server, { ...request, headers: { ...forBrowsers, ...request.headers } });
    expect([page.status, page.headers['content-type']]).toEqual([status, 'text/html; charset=utf-8']);
    expect(page.body).toMatch(text);
    expect(page.body).toContain(`<code>${page.headers['x-request-id']}</code>`);
    expect(page.body).toContain(`Status ${status}`);
    expect(page.headers['cache-control']).toBe('no-store');

    const json = await send(server, { ...request, headers: { ...forPrograms, ...request.headers } });
    // The authorization endpoint is for people's browsers alone.
    const isForPeople = request.target.startsWith('/oauth2/authorize');
    const type = isForPeople ? 'text/html; charset=utf-8' : 'application/json; charset=utf-8';
    expect([json.status, json.headers['content-type']]).toEqual([status, type]);
    if (!isForPeople) expect(JSON.parse(json.body)).toEqual({ error });

    for (const answer of [page, json]) {
      expect(answer.text).not.toMatch(TRACES);
      expect(answer.text).not.toContain('fire');
      await vi.waitFor(() => expect(linesOf(answer).map(({ msg }) => msg)).toContain('request'));
      const logged = linesOf(answer);
      expect(logged.find(({ msg }) => msg === 'request')).toMatchObject({ status });
      const failed = logged.filter(({ level }) => level >= 50);
      // Whole where the mistake is ours, and nothing at all of alarm where it is not.
      if (status === 500) expect(JSON.stringify(failed)).toMatch(/the disk is on fire.*stack/);
      else expect(failed).toEqual([]);
    }
  });

  it('in the middle of a form, a mistake of ours says nothing, and the flow goes on afterwards', async () => {
    const { agent, page, email } = await signInPage(server);
    vi.spyOn(server.app.stores.accounts, 'findByEmail').mockRejectedValueOnce(new Error('the disk is on fire'));
    const failed = await agent.post(page, { email, password: PASSWORD });
    expect([failed.status, seen(failed)]).toEqual([500, expect.stringContaining('Something went wrong')]);
    expect(failed.html).not.toMatch(TRACES);
    expect(seen(await agent.submit(page, { email, password: PASSWORD }))).toMatch(/Allow Meadow Notes/);
    expect(server.logged.join('')).not.toContain(PASSWORD);
  });

  it.each(['/setup/gwl_x', '/health/ready'])(
    'a connection that the other side resets is no mistake of ours: %s',
    async (target) => {
      const { stores } = server.app;
      const { promise: reset, resolve: go } = Promise.withResolvers<boolean>();
      const slow =
        target === '/health/ready'
          ? vi.spyOn(stores, 'check').mockReturnValueOnce(reset.then(() => 'ok'))
          : vi.spyOn(stores.setupLinks, 'isOpen').mockReturnValueOnce(reset);
      // What was found a moment ago still stands.
      server.passTime(2_000);
      const before = server.logged.length;
      const said = () =>
        lines()
          .slice(before)
          .filter(({ msg }) => msg === 'response failed');

      const { hostname, port } = new URL(server.url);
      const socket = net.connect(Number(port), hostname).on('error', () => undefined);
      socket.write(`GET ${target} HTTP/1.1\r\nHost: ${new URL(server.issuer).host}\r\n\r\n`);
      await vi.waitFor(() => expect(slow).toHaveBeenCalledTimes(1));
      socket.resetAndDestroy();
      await vi.waitFor(() => expect(said()).toHaveLength(1));
      go(true);
      expect(said().map(({ level }) => level)).toEqual([20]);
    },
  );

  it('at the token endpoint is JSON, whatever is accepted, and never a stack', async () => {
    const { client } = await visit(server);
    vi.spyOn(server.app.stores.artifacts, 'get').mockRejectedValue(new Error('the disk is on fire'));
    const parameters = { grant_type: 'refresh_token', refresh_token: 'x' };
    const answer = await post(server, '/oauth2/token', parameters, { ...basic(client), accept: '*/*' });
    expect([answer.status, answer.body]).toEqual([
      500,
      { error: 'server_error', error_description: expect.any(String) },
    ]);
    expect(JSON.stringify(answer.body)).not.toMatch(/fire|\bat /);
  });

  it('is said in the language that the browser asks for', async () => {
    const { body } = await send(server, { target: '/no/such/page', headers: { 'accept-language': 'de-CH, en;q=0.5' } });
    expect(body).toContain('<html lang="de"');
  });
});

describe('nothing that a stranger sends is a mistake of ours', () => {
  const ODD = [
    '',
    '%',
    '%00',
    '%zz',
    '\u0000',
    '=',
    '[]',
    '{}',
    '__proto__',
    'constructor',
    '../..',
    '\'"><',
    '\uFFFD',
    'x'.repeat(5000),
    '-1',
    '1e999',
  ];
  const NAMES = [
    ...['client_id', 'redirect_uri', 'response_type', 'scope', 'state', 'nonce', 'prompt', 'max_age', 'acr_values'],
    ...['claims', 'id_token_hint', 'login_hint', 'ui_locales', 'request', 'request_uri', 'response_mode', 'resource'],
    ...['code_challenge', 'code_challenge_method', 'display', 'registration', 'dpop_jkt', 'authorization_details'],
  ];
  const CLAIMS = [
    ...['null', '[]', '1', '"x"', '{"id_token":null}', '{"id_token":[]}', '{"id_token":{"acr":1}}'],
    ...[
      '{"id_token":{"acr":{"essential":true,"values":"x"}}}',
      '{"id_token":{"acr":{"essential":true,"values":[1,null]}}}',
    ],
    ...[
      '{"id_token":{"acr":{"essential":true,"value":{}}}}',
      '{"userinfo":{"__proto__":null}}',
      '{"id_token":{"sub":{"value":[]}}}',
    ],
  ];

  // But for the mistakes that the tests above made on purpose.
  const failures = () => server.logged.filter((line) => JSON.parse(line).level >= 50 && !line.includes('on fire'));

  it('in the parameters of an authorization request', async () => {
    const { id } = await server.addClient('web', { redirectUris: [CALLBACK], firstParty: true });
    const values = [
      ...NAMES.flatMap((name) => ODD.map((value) => [name, value] as const)),
      ...CLAIMS.map((value) => ['claims', value] as const),
    ];
    const statuses = new Set<number>();
    for (const [name, value] of values) {
      const answer = await send(server, { target: authorize({ client_id: id, [name]: value }), headers: forBrowsers });
      statuses.add(answer.status);
      expect([name, value, answer.status >= 500]).toEqual([name, value, false]);
      const next = answer.headers.location;
      if (next?.startsWith('/interaction/')) {
        const cookie = (answer.headers['set-cookie'] ?? []).map((one) => one.split(';')[0]).join('; ');
        const page = await send(server, { target: next, headers: { cookie, ...forBrowsers } });
        expect([name, value, page.status]).toEqual([name, value, 200]);
        expect(page.body).not.toMatch(/undefined|\[object/);
      }
    }
    expect([...statuses].sort()).toEqual([303, 400]);
    expect(failures()).toEqual([]);
  }, 30_000);

  it('in a header, a body or a name, on any route', async () => {
    const { id, secret } = await server.addClient('web', { redirectUris: [CALLBACK] });
    const credentials = [
      ...['Basic', 'Basic =', 'Basic !!!', `Basic ${btoa('%zz:')}`, `Basic ${btoa('%zz:%')}`, `Basic ${btoa(':')}`],
      ...[
        `Basic ${btoa(`${id}:`)}`,
        `Basic ${btoa(`${id}:${secret}`)}`,
        `Basic ${btoa('\xff\xfe:x')}`,
        'Bearer',
        'Bearer a.b.c',
      ],
      ...['Bearer eyJhbGciOiJub25lIn0.e30.', 'DPoP x', 'Negotiate x'],
    ];
    for (const authorization of credentials) {
      for (const target of [
        '/oauth2/token',
        '/oauth2/introspect',
        '/oauth2/revoke',
        '/oauth2/par',
        '/oauth2/userinfo',
      ]) {
        for (const body of [
          'grant_type=client_credentials',
          'token=a.b.c&token_type_hint=%',
          'token=~',
          '%%%',
          'a[b]=c&a=d',
        ]) {
          const { status } = await send(server, { method: 'POST', target, body, headers: { ...FORM, authorization } });
          expect([target, authorization, body, status < 500]).toEqual([target, authorization, body, true]);
        }
      }
    }
    for (const { method, path } of EVERY_ROUTE) {
      for (const headers of [
        { cookie: 'gatewright=%; gatewright.sig=%; gatewright-setup=%00; =; ;;' },
        { 'accept-language': '*;q=x,,,', accept: ';;;', 'accept-encoding': 'x;q=' },
        { 'x-forwarded-for': ',,,', referer: '%', origin: 'null', 'sec-fetch-site': '%' },
      ]) {
        const { status, text } = await send(server, { method, target: path, headers });
        expect([method, path, status < 500]).toEqual([method, path, true]);
        expect(text).not.toMatch(TRACES);
      }
    }
    for (const odd of ['%', '%00', '%ff', '%zz', '__proto__', 'constructor', '..%2f', '%2e%2e', 'x'.repeat(4000)]) {
      for (const prefix of [
        '/',
        '/interaction/',
        '/interaction/x/',
        '/setup/',
        '/assets/',
        '/oauth2/authorize/',
        '/.well-known/',
        '/health/',
      ]) {
        const { status } = await send(server, { target: `${prefix}${odd}` });
        expect([prefix, odd, status >= 400 && status < 500]).toEqual([prefix, odd, true]);
      }
    }
    expect(failures()).toEqual([]);
  }, 120_000);

  it('answers HEAD where it answers GET', async () => {
    for (const target of ROUTES) {
      const [get, head] = [await send(server, { target }), await send(server, { method: 'HEAD', target })];
      expect([target, head.status, head.body]).toEqual([target, get.status, '']);
    }
  });
});

describe('the log', () => {
  it('knows requests by their pattern: no address, no query, no header, no form', async () => {
    const person = await visit(server, { firstParty: false });
    const { page } = await ask(person, {
      state: 'state-neverlogged',
      nonce: 'nonce-neverlogged',
      login_hint: 'hint-neverlogged@example.org',
    });
    const { agent } = person;
    const back = await agent.submit(await agent.submit(page, { email: person.account.email, password: PASSWORD }), {
      decision: 'allow',
    });
    const code = told(back).code ?? '';
    await fetch(`${server.issuer}/setup/gwl_secret-neverlogged?x=query-neverlogged`, {
      headers: { referer: 'https://referer-neverlogged.example' },
    });
    await fetch(`${server.issuer}/no/such/path-neverlogged?q=query-neverlogged`, {
      headers: { 'user-agent': 'agent-neverlogged', cookie: 'a=cookie-neverlogged' },
    });
    await fetch(`${server.issuer}/oauth2/userinfo?access_token=token-neverlogged`, {
      headers: bearer('bearer-neverlogged'),
    });
    const stranger = createUserAgent(server.issuer);
    await stranger.get('/interaction/uid-neverlogged');
    await secondFactorPage(server);

    await vi.waitFor(() => expect(lines().some(({ route }) => route === '/interaction/:uid')).toBe(true));
    const text = server.logged.join('');
    expect(text).not.toContain('neverlogged');
    for (const secret of [
      code,
      PASSWORD,
      person.account.email,
      new URL(page.url).pathname.split('/').at(-1) as string,
    ]) {
      expect(secret.length).toBeGreaterThan(10);
      expect(text).not.toContain(secret);
    }
    const requests = lines().filter(({ msg }) => msg === 'request');
    const patterns = new Set(requests.map(({ route }) => route));
    for (const route of patterns) expect(route).toMatch(/^(\(unknown\)|(\/[\w.:*-]*)+)$/);
    expect([...patterns]).toEqual(
      expect.arrayContaining([
        '/interaction/:uid',
        '/interaction/:uid/:form',
        '/setup/:token',
        '/oauth2/authorize',
        '/oauth2/authorize/:uid',
      ]),
    );
    const known = ['level', 'time', 'requestId', 'traceId', 'method', 'route', 'status', 'ms', 'msg', 'aborted'];
    for (const request of requests) expect(Object.keys(request).filter((key) => !known.includes(key))).toEqual([]);
  });
});
