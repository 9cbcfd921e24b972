import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkProxy } from '../../src/cli/doctor-proxy.ts';
import { checkServer } from '../../src/cli/doctor-server.ts';
import { checkTls } from '../../src/cli/doctor-tls.ts';
import type { Finding } from '../../src/cli/finding.ts';
import { parseConfig } from '../../src/config/config.ts';
import { AUTHORITY, type Certificate, type Front, passOn, startFront } from '../operation/tls-endpoint.ts';
import { freePort } from '../support/free-port.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const now = () => Date.now();
const said = (findings: Finding[]) => findings.map(({ status, check, message }) => `${status} ${check} ${message}`);

const trustedBefore = tls.getCACertificates('default');
beforeAll(() => tls.setDefaultCACertificates([...trustedBefore, readFileSync(AUTHORITY, 'utf8')]));
afterAll(() => tls.setDefaultCACertificates(trustedBefore));

describe('the certificate', () => {
  async function look(
    certificate: Certificate,
    { clock = now, options = {} }: { clock?: () => number; options?: object } = {},
  ) {
    await using front = await startFront((_req, res) => res.end(), { certificate, options });
    return said(await checkTls(parseConfig({ ISSUER: front.origin }), clock));
  }

  it('is good', async () => {
    expect(await look('good')).toEqual([expect.stringMatching(/^ok tls TLSv1.3, certificate good for \d+ days$/)]);
  });

  it.each([
    ['expired', 'has expired: renew it'],
    ['other-name', 'is for another name'],
    ['self-signed', 'is signed by itself'],
  ] as const)('%s is a problem', async (certificate, message) => {
    expect(await look(certificate)).toEqual([expect.stringContaining(`problem tls the certificate ${message}`)]);
  });

  it('of an authority that is not known here is a problem', async () => {
    tls.setDefaultCACertificates(trustedBefore);
    const found = await look('good');
    tls.setDefaultCACertificates([...trustedBefore, readFileSync(AUTHORITY, 'utf8')]);
    expect(found).toEqual([expect.stringContaining('NODE_EXTRA_CA_CERTS')]);
  });

  it('that ends within three weeks is warned of', async () => {
    const on = (day: number) => look('good', { clock: () => Date.UTC(2119, 11, day) });
    expect(await on(2)).toEqual([expect.stringMatching(/^ok /)]);
    expect(await on(20)).toEqual(['warning tls the certificate expires in 12 days: see why it was not renewed']);
  });

  it('is not all: a proxy that speaks TLS 1.1 is warned of', async () => {
    const found = await look('good', { options: { minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' } });
    expect(found).toEqual([expect.stringMatching(/^ok /), expect.stringMatching(/^warning tls .*TLSv1\.1/)]);
  });

  it('is given up where the other side only seems to speak', async () => {
    const drip = net.createServer((socket) => {
      // The head of a record of 16 KB, and then a byte at a time.
      socket.on('error', () => undefined).write(Buffer.from([0x16, 3, 3, 0x40, 0]));
      const timer = setInterval(() => socket.write('\0'), 20);
      socket.once('close', () => clearInterval(timer));
    });
    await new Promise<void>((resolve) => drip.listen(0, 'localhost', resolve));
    const { port } = drip.address() as AddressInfo;
    expect(await checkTls(parseConfig({ ISSUER: `https://localhost:${port}` }), now, 300)).toEqual([]);
    await new Promise((resolve) => drip.close(resolve));
  });

  it('is not asked for where nothing listens, or nothing speaks TLS', async () => {
    expect(await checkTls(parseConfig({ ISSUER: 'https://localhost:9' }), now)).toEqual([]);
    expect(await checkTls(parseConfig({ ISSUER: 'http://localhost:9' }), now)).toEqual([]);
  });
});

describe('what answers at the issuer', () => {
  it.each([
    [
      'another issuer',
      { body: '{"issuer":"https://other.example.org"}' },
      'names the issuer https://other.example.org',
    ],
    ['another program', { body: 'hello' }, 'is answered by another program'],
    [
      'a redirect',
      { status: 301, headers: { Location: 'https://www.example.org/' } },
      'redirects to https://www.example.org/',
    ],
    ['a refused Host', { status: 421 }, 'let the proxy pass on the Host header'],
    ['a failure', { status: 502 }, 'answers 502'],
  ])(
    '%s is a problem',
    async (_name, {
      status = 200,
      headers = {},
      body = '',
    }: { status?: number; headers?: object; body?: string }, message) => {
      await using front = await startFront((_req, res) => res.writeHead(status, { ...headers }).end(body));
      const found = await checkServer(parseConfig({ ISSUER: front.origin }), now);
      expect(said(found)).toEqual([expect.stringMatching(/^problem server /)]);
      expect(found[0]?.message).toContain(message);
    },
  );

  it('is this server, whose clock is compared', async () => {
    let ahead = 0;
    await using front = await startFront((req, res) => {
      res.setHeader('Date', new Date(Date.now() + ahead).toUTCString());
      res.end(JSON.stringify({ issuer: `http://${req.headers.host}` }));
    });
    const config = parseConfig({ ISSUER: front.origin });
    expect(said(await checkServer(config, now))).toEqual([`ok server answers at ${front.origin}`]);
    for (const each of [-5_000, 5_000]) {
      ahead = each;
      expect((await checkServer(config, now)).map(({ check, status }) => [check, status])).toEqual([
        ['server', 'ok'],
        ['clock', 'warning'],
      ]);
    }
  });

  it('need not come to an end', async () => {
    await using front = await startFront((_req, res) => {
      const timer = setInterval(() => res.write('x'.repeat(10_000)), 5);
      res.once('close', () => clearInterval(timer));
    });
    const from = performance.now();
    expect(said(await checkServer(parseConfig({ ISSUER: front.origin }), now))).toEqual([
      expect.stringContaining('is answered by another program'),
    ]);
    expect(performance.now() - from).toBeLessThan(4_000);
  });

  it('is nothing', async () => {
    const [found] = await checkServer(parseConfig({ ISSUER: `http://localhost:${await freePort()}` }), now);
    expect(found).toMatchObject({ status: 'note', message: expect.stringContaining('ECONNREFUSED') });
  });

  it('is left to the check of the certificate where that is refused', async () => {
    await using front = await startFront((_req, res) => res.end(), { certificate: 'expired' });
    expect(await checkServer(parseConfig({ ISSUER: front.origin }), now)).toEqual([]);
  });
});

describe('the proxy in front', () => {
  let front: Front;
  let server: TestServer;
  let change: (headers: IncomingHttpHeaders) => IncomingHttpHeaders = (headers) => headers;
  const target = { url: '' };

  beforeAll(async () => {
    front = await startFront(
      passOn(target, (headers) => change(headers)),
      { certificate: 'good' },
    );
    server = await startTestServer({ ISSUER: front.origin, TRUSTED_PROXIES: '127.0.0.1' }, { engine: 'sqlite' });
    target.url = server.url;
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await front[Symbol.asyncDispose]();
  });

  const look = async (rule: typeof change) => {
    change = rule;
    return said(await checkProxy(server.config, now));
  };
  const VISITOR = '198.51.100.9';

  it('is in order where it sets or adds the visitor to X-Forwarded-For', async () => {
    const ok = [`ok proxy 127.0.0.1 is listed and passes on the visitor's address (${VISITOR})`];
    expect(await look((headers) => ({ ...headers, 'x-forwarded-for': VISITOR }))).toEqual(ok);
    const added = ({ 'x-forwarded-for': before }: IncomingHttpHeaders) => `${before}, ${VISITOR}`;
    expect(await look((headers) => ({ ...headers, 'x-forwarded-for': added(headers) }))).toEqual(ok);
  });

  it('must not pass on what visitors write there', async () => {
    expect(await look((headers) => headers)).toEqual([
      expect.stringContaining('problem proxy 127.0.0.1 passes on X-Forwarded-For as visitors write it'),
    ]);
  });

  it('must send it', async () => {
    const without = ({ 'x-forwarded-for': _gone, ...headers }: IncomingHttpHeaders) => headers;
    expect(await look(without)).toEqual([expect.stringContaining('warning proxy 127.0.0.1 sends no X-Forwarded-For')]);
  });

  it('cannot be judged from an address that is listed itself', async () => {
    const added = ({ 'x-forwarded-for': before }: IncomingHttpHeaders) => `${before}, 127.0.0.1`;
    expect(await look((headers) => ({ ...headers, 'x-forwarded-for': added(headers) }))).toEqual([
      expect.stringContaining('note proxy this command runs at an address of TRUSTED_PROXIES itself'),
    ]);
  });

  it('must leave the Host as it is', async () => {
    const rewrites = (headers: IncomingHttpHeaders) => ({ ...headers, host: 'inner:3000', 'x-forwarded-for': VISITOR });
    expect(await look(rewrites)).toEqual([
      expect.stringContaining(
        `problem proxy passes on the Host inner:3000: let it pass on ${new URL(front.origin).host}`,
      ),
      expect.stringMatching(/^ok /),
    ]);
    expect(said(await checkServer(server.config, now))).toEqual([expect.stringContaining('421')]);
  });

  it('must be listed', async () => {
    await using plain = await startTestServer({ ISSUER: front.origin }, { engine: 'sqlite' });
    target.url = plain.url;
    change = (headers) => ({ ...headers, 'x-forwarded-for': VISITOR });
    const found = said(await checkProxy(plain.config, now));
    target.url = server.url;
    expect(found).toEqual([expect.stringContaining('warning proxy 127.0.0.1 is not in TRUSTED_PROXIES')]);
  });

  it.each(['null', '[]', '{"peer":{"toString":1},"listed":true}', '{"address":"x","peer":"y"}', 'hello'])(
    'is not judged by what another program says: %s',
    async (body) => {
      await using other = await startFront((_req, res) => res.end(body));
      expect(await checkProxy({ ...server.config, issuer: other.origin }, now)).toEqual([]);
    },
  );

  it('may hide the probe, and may be missing on the machine itself', async () => {
    await using hidden = await startFront((_req, res) => res.writeHead(403).end());
    const config = { ...server.config, issuer: hidden.origin };
    expect(said(await checkProxy(config, now))).toEqual([
      expect.stringContaining('note proxy /health/probe answers 403'),
    ]);
    await using direct = await startTestServer({}, { engine: 'sqlite' });
    expect(said(await checkProxy(direct.config, now))).toEqual([
      'ok proxy there is none: requests come from 127.0.0.1 itself',
    ]);
  });
});
