import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { basic, post } from '../support/endpoint.ts';
import { freePort } from '../support/free-port.ts';
import { byPasskey } from '../support/passkey-visit.ts';
import { aDevice, addPasskey } from '../support/passkeys.ts';
import { send } from '../support/raw.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/server.ts';
import { codeOf } from '../support/sign-in.ts';
import { ask, enter, visit } from '../support/visit.ts';

const SEED = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ LIMIT_PASSWORDS: '2' });
});
afterAll(() => server[Symbol.asyncDispose]());

const scrape = async () => (await fetch(`${server.url}/metrics`)).text();

/** Of one line, found by its beginning; 0 where it is not there yet. */
async function value(line: string): Promise<number> {
  const found = (await scrape()).split('\n').find((one) => one.startsWith(`${line} `));
  return Number(found?.slice(line.length + 1) ?? 0);
}

describe('what is counted', () => {
  it('requests by pattern, method and status, and how long they took', async () => {
    const route = 'gatewright_http_requests_total{method="GET",route="/interaction/:uid",status="400"}';
    await fetch(`${server.issuer}/interaction/nobody-knows-this-one`);
    await vi.waitFor(async () => expect(await value(route)).toBe(1));
    const count = 'gatewright_http_request_duration_seconds_count{method="GET",route="/interaction/:uid",status="400"}';
    expect(await value(count)).toBe(1);
  });

  it('whatever strangers ask for is one and the same', async () => {
    for (const path of ['/a', '/b/c', '/interaction', '/%00', '/oauth2/nothing'])
      await fetch(`${server.issuer}${path}`);
    for (const method of ['PROPFIND', 'MKCOL', 'PURGE']) await send(server, { method, target: '/' });
    await vi.waitFor(async () => {
      expect(await value('gatewright_http_requests_total{method="GET",route="unknown",status="404"}')).toBe(5);
      expect(await value('gatewright_http_requests_total{method="other",route="unknown",status="404"}')).toBe(3);
    });
    expect(await scrape()).not.toMatch(/PROPFIND|nobody-knows|oauth2\/nothing/);
  });

  it('sign-ins by outcome and factor, tokens by grant, and tries that must wait', async () => {
    const person = await visit(server, { person: { totpSecret: SEED } });
    const { page } = await ask(person);
    const wrong = await person.agent.submit(page, { email: person.account.email, password: 'wrong' });
    const second = await person.agent.submit(wrong, { email: person.account.email, password: PASSWORD });
    await person.agent.submit(second, { code: codeOf(SEED) });
    await enter(await visit(server));
    const keyed = await visit(server);
    const device = aDevice();
    await addPasskey(server, keyed.account.id, device);
    const refused = await keyed.agent.submit((await ask(keyed)).page, { credential: '{}' });
    await byPasskey(keyed.agent, refused, device);

    const stranger = await visit(server);
    let again = (await ask(stranger)).page;
    for (let tries = 0; tries < 4; tries += 1) {
      again = await stranger.agent.submit(again, { email: 'nobody@example.org', password: 'wrong' });
    }
    const service = await server.addClient('service');
    await post(server, '/oauth2/token', { grant_type: 'client_credentials' }, basic(service));

    expect(await value('gatewright_sign_ins_total{outcome="succeeded",method="totp"}')).toBe(1);
    expect(await value('gatewright_sign_ins_total{outcome="succeeded",method="password"}')).toBe(1);
    expect(await value('gatewright_sign_ins_total{outcome="succeeded",method="passkey"}')).toBe(1);
    expect(await value('gatewright_sign_ins_total{outcome="failed",method="passkey"}')).toBe(1);
    expect(await value('gatewright_sign_ins_total{outcome="failed",method="password"}')).toBe(3);
    expect(await value('gatewright_sign_ins_total{outcome="limited",method="password"}')).toBe(1);
    // The wait begins once; each try during it was turned away as well.
    expect(await value('gatewright_limits_hit_total{kind="password"}')).toBe(2);
    expect(await value('gatewright_tokens_issued_total{grant_type="authorization_code"}')).toBe(1);
    expect(await value('gatewright_tokens_issued_total{grant_type="client_credentials"}')).toBe(1);
  });

  it('reads and writes by store and operation, and those that fail', async () => {
    const find = 'store="accounts",operation="findByEmail"';
    expect(await value(`gatewright_store_duration_seconds_count{${find}}`)).toBeGreaterThan(0);
    expect(await value('gatewright_store_duration_seconds_count{store="progress",operation="save"}')).toBeGreaterThan(
      0,
    );
    const text = await scrape();
    expect(text).not.toMatch(/operation="\d|store="keyring"/);
    expect(text).not.toContain('@example.org');
  });

  it('hashes that wait, the process itself, and what runs', async () => {
    const text = await scrape();
    expect(text).toMatch(/^gatewright_password_hashes\{state="waiting"\} 0$/m);
    expect(text).toMatch(/^gatewright_build_info\{version="[\d.]+",node="v24[\d.]+"\} 1$/m);
    for (const name of [
      'process_cpu_seconds_total',
      'process_resident_memory_bytes',
      'nodejs_eventloop_lag_p99_seconds',
    ]) {
      expect(text).toMatch(new RegExp(`^${name} [\\d.e-]+$`, 'm'));
    }
    // There is no pool on SQLite.
    expect(text).not.toMatch(/^gatewright_database_connections\{/m);
  });
});

describe('who may read it', () => {
  const asked = async (headers: Record<string, string>) => (await send(server, { target: '/metrics', headers })).status;
  const port = () => new URL(server.url).port;

  it('a program on this machine that asks by its own address', async () => {
    for (const host of [`127.0.0.1:${port()}`, `localhost:${port()}`, `[::1]:${port()}`]) {
      expect([host, await asked({ host })]).toEqual([host, 200]);
    }
    expect((await send(server, { method: 'POST', target: '/metrics' })).status).toBe(404);
  });

  it.each(['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip', 'via'])(
    'nobody through a proxy: %s',
    async (name) => expect(await asked({ [name]: '127.0.0.1' })).toBe(404),
  );

  it.each(['evil.example.net', 'localhost.evil.example.net', '127.0.0.1.example.net', '10.0.0.1'])(
    'nobody by the name %s, though it leads here',
    async (name) => {
      expect(await asked({ host: name })).toBe(421);
      expect(await asked({ host: `${name}:${port()}` })).toBe(421);
    },
  );

  it('nobody by the name of another port', async () => {
    for (const host of ['localhost', `localhost:${Number(port()) + 1}`]) expect(await asked({ host })).toBe(421);
  });
});

describe('behind a public address', () => {
  it('it is not on the main port: what a proxy on this machine passes on may come like a program of this machine', async () => {
    const other = await startTestServer({ ISSUER: 'https://id.example.org' });
    try {
      const asked = async (host: string) => (await send(other, { target: '/metrics', headers: { host } })).status;
      expect([await asked(new URL(other.url).host), await asked('id.example.org')]).toEqual([421, 404]);
    } finally {
      await other[Symbol.asyncDispose]();
    }
  });
});

describe('a listener of its own', () => {
  it('serves it and the health of the process, and nothing else; the public one no longer does', async () => {
    const own = String(await freePort());
    const other = await startTestServer({ METRICS_PORT: own });
    try {
      const at = (path: string) => fetch(`http://127.0.0.1:${own}${path}`);
      const page = await at('/metrics');
      expect([page.status, page.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/plain')]);
      expect(await (await at('/health/ready')).json()).toMatchObject({ status: 'ok' });
      for (const path of ['/', '/oauth2/authorize', '/.well-known/jwks.json']) {
        expect([path, (await at(path)).status]).toEqual([path, 404]);
      }
      expect((await fetch(`${other.issuer}/metrics`)).status).toBe(404);
    } finally {
      await other[Symbol.asyncDispose]();
    }
  });

  it('counts the connections of a pool', async () => {
    const other = await startTestServer({}, { engine: 'postgresql' });
    try {
      const text = await (await fetch(`${other.url}/metrics`)).text();
      expect(text).toMatch(/^gatewright_database_connections\{state="idle"\} \d+$/m);
    } finally {
      await other[Symbol.asyncDispose]();
    }
  });
});
