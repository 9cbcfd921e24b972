import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { basic, post } from '../support/endpoint.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createUserAgent } from '../support/user-agent.ts';
import { again, ask, enter, visit } from '../support/visit.ts';
import { LIMITS, ROUTES } from './routes.ts';

/*
 * The attacker asks and asks. Whoever has proved who it is does not wait for what others did behind the same address.
 */

let server: TestServer;
const PER_ADDRESS = 12;

beforeAll(async () => {
  server = await startTestServer({
    ...{ LIMIT_ADDRESS_REQUESTS: String(PER_ADDRESS), LIMIT_CLIENT_REQUESTS: '40' },
    ...{
      LIMIT_ACCOUNT_REQUESTS: '30',
      LIMIT_CLIENT_FAILURES: '5',
      REGISTRATION: 'token',
      TRUSTED_PROXIES: '127.0.0.1,::1',
    },
  });
});
afterAll(() => server[Symbol.asyncDispose]());

let networks = 0;
function aNetwork(): string {
  networks += 1;
  return `203.0.113.${networks}`;
}

function request(path: string, address: string, init: RequestInit & { headers?: Record<string, string> } = {}) {
  const headers = { 'x-forwarded-for': address, ...init.headers };
  return fetch(new URL(path, server.issuer), { redirect: 'manual', ...init, headers });
}

async function flood(count: number, ask: () => Promise<{ status: number }>): Promise<number[]> {
  const statuses = [];
  for (let asked = 0; asked < count; asked += 1) statuses.push((await ask()).status);
  return statuses;
}

const form = {
  method: 'POST',
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body: 'grant_type=none',
};
const LIMITED = ROUTES.filter((route) => 'limit' in LIMITS[route] && LIMITS[route].limit === 'address');

describe('every route', () => {
  it.each(ROUTES)('%s has a limit, or a reason for none', (route) => {
    const rule = LIMITS[route];
    expect('limit' in rule || rule.none.length > 20 || rule.none === 'kept in memory').toBe(true);
  });

  it.each(LIMITED)('%s refuses an address that asks too much, says until when, and no other address', async (route) => {
    const address = aNetwork();
    const isRead = /authorize|setup|link/.test(route) && route !== '/setup/account';
    const once = (from: string) => request(route, from, isRead ? {} : form);
    const first = await once(address);
    expect(first.headers.get('ratelimit-policy')).toBe(`"address";q=${PER_ADDRESS};w=60`);
    expect(first.headers.get('ratelimit')).toMatch(new RegExp(`^"address";r=${PER_ADDRESS - 1};t=(60|59)$`));
    expect(await flood(PER_ADDRESS - 1, () => once(address))).not.toContain(429);

    const refused = await once(address);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(50);
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(60);
    expect(refused.headers.get('ratelimit')).toMatch(/^"address";r=0;t=\d+$/);
    expect(refused.headers.get('cache-control')).toBe('no-store');
    if (route.startsWith('/oauth2') && !route.endsWith('authorize')) {
      expect(await refused.json()).toMatchObject({ error: 'too_many_requests' });
    }
    expect((await once(aNetwork())).status).not.toBe(429);
  });

  it('shows people a page', async () => {
    const address = aNetwork();
    const headers = { accept: 'text/html' };
    await flood(PER_ADDRESS, () => request('/oauth2/authorize', address, { headers }));
    const page = await request('/oauth2/authorize', address, { headers });
    expect(page.status).toBe(429);
    expect(await page.text()).toContain('Too many tries');
  });

  it('counts a /64 of IPv6 as one address', async () => {
    const statuses = [];
    for (let host = 1; host <= PER_ADDRESS + 1; host += 1) {
      statuses.push((await request('/oauth2/authorize', `2001:db8:0:7::${host}`)).status);
    }
    expect(statuses.indexOf(429)).toBe(PER_ADDRESS);
    expect((await request('/oauth2/authorize', '2001:db8:0:8::1')).status).not.toBe(429);
  });
});

describe('an application that proves who it is', () => {
  const token = async (client: { id: string; secret: string }, address: string) =>
    post(
      server,
      '/oauth2/token',
      { grant_type: 'client_credentials' },
      { ...basic(client), 'x-forwarded-for': address },
    );

  it('is served at an address that must wait, also when it was never seen before, up to a limit of its own', async () => {
    const address = aNetwork();
    await flood(PER_ADDRESS + 1, () => request('/oauth2/token', address, form));
    expect((await request('/oauth2/token', address, form)).status).toBe(429);
    const api = await server.addClient('resource', { audience: `https://api${networks}.example.org` });
    const client = await server.addClient('service', { audiences: [`https://api${networks}.example.org`] });
    expect(api.id).toBeDefined();
    const statuses = await flood(50, () => token(client, address));
    expect(statuses.filter((status) => status === 200)).toHaveLength(40);
    expect(statuses.slice(40)).toEqual(Array(10).fill(429));
    const other = await server.addClient('service', { audiences: [`https://api${networks}.example.org`] });
    expect((await token(other, address)).status).toBe(200);
  });

  it('is not shut out by wrong secrets from elsewhere, which wait after a few', async () => {
    const audience = `https://api-${aNetwork()}.example.org`;
    await server.addClient('resource', { audience });
    const client = await server.addClient('service', { audiences: [audience] });
    const [home, elsewhere] = [aNetwork(), aNetwork()];
    expect((await token(client, home)).status).toBe(200);
    const wrong = { ...client, secret: 'gws_wrong' };
    const statuses = await flood(9, () => token(wrong, elsewhere));
    expect(statuses).toEqual([...Array(5).fill(401), ...Array(4).fill(429)]);
    expect((await token(client, elsewhere)).status).toBe(429);
    expect((await token(client, home)).status).toBe(200);
  });

  it.each([
    ['no proof', {}, true],
    ['a malformed proof', { client_assertion: 'a.b.c' }, true],
    ['a malformed proof, to a process that has not met it', { client_assertion: 'a.b.c' }, false],
  ])('gives nobody a way around by its name and %s', async (_what, proof, isKnown) => {
    const audience = `https://api-${aNetwork()}.example.org`;
    await server.addClient('resource', { audience });
    const client = await server.addClient('service', { audiences: [audience] });
    const address = aNetwork();
    const body = new URLSearchParams({ client_id: client.id, ...proof }).toString();
    const bad = () => request('/oauth2/token', address, { ...form, body });
    if (isKnown) await token(client, aNetwork());
    const statuses = await flood(PER_ADDRESS + 5, bad);
    expect(statuses.at(-1)).toBe(429);
    expect(statuses.filter((status) => status !== 429).length).toBeLessThanOrEqual(PER_ADDRESS);
  });
});

describe('somebody who is signed in', () => {
  it('goes on at an address that must wait, up to a limit of her own', async () => {
    const person = await visit(server);
    await enter(person);
    // All of this machine is one address, which is used up now.
    const stranger = createUserAgent(server.issuer);
    await flood(PER_ADDRESS + 1, () => stranger.get('/oauth2/authorize'));
    expect((await stranger.get('/oauth2/authorize')).status).toBe(429);
    for (let count = 0; count < 5; count += 1) expect((await again(person)).access_token).toBeDefined();
    const statuses = [];
    for (let count = 0; count < 30; count += 1) statuses.push((await ask(person)).page.status);
    expect(statuses.at(-1)).toBe(429);
    expect(statuses.filter((status) => status === 429).length).toBeLessThan(10);
  });

  it('is anybody again once the session has ended', async () => {
    const { issuer } = server;
    const made = { cookie: 'gatewright=a-session-that-never-was' };
    const address = aNetwork();
    const statuses = await flood(PER_ADDRESS + 2, () =>
      request(`${issuer}/oauth2/authorize`, address, { headers: made }),
    );
    expect(statuses.slice(-2)).toEqual([429, 429]);
  });
});
