import dns from 'node:dns/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createGuardedFetch } from '../../src/lib/guarded-fetch.ts';

/*
 * The attacker registers an address, and we fetch it: the machine's own services, the cloud's metadata, a neighbour in
 * the private network, by another spelling, by a name that leads there, by a redirect, or by a name that leads
 * elsewhere the second time it is asked for.
 */

vi.mock('node:dns/promises', async (original) => {
  const actual = await original<typeof import('node:dns/promises')>();
  return { ...actual, default: actual, lookup: vi.fn(actual.lookup) };
});
const lookup = vi.mocked((await import('node:dns/promises')).lookup) as unknown as ReturnType<typeof vi.fn>;

let port: number;
let asked: string[] = [];
const server = http.createServer((req, res) => {
  asked.push(`${req.method} ${req.headers.host} ${req.url}`);
  const { pathname, searchParams } = new URL(req.url ?? '', 'http://x');
  if (pathname === '/redirect') res.writeHead(302, { location: `http://localhost:${port}/secret` }).end();
  else if (pathname === '/status') res.writeHead(Number(searchParams.get('code'))).end();
  else if (pathname === '/bytes') res.end('x'.repeat(Number(searchParams.get('count'))));
  else if (pathname === '/endless') {
    const timer = setInterval(() => res.write('x'.repeat(16_384)), 1);
    res.on('close', () => clearInterval(timer));
  } else if (pathname === '/never') res.write('a');
  else if (pathname === '/silent') return;
  else if (pathname === '/echo') {
    const chunks: Buffer[] = [];
    req.on('data', (chunk) => chunks.push(chunk));
    req.on('end', () => res.end(`${req.method} ${req.headers['content-type']} ${Buffer.concat(chunks)}`));
  } else res.end('secret');
});

beforeAll(async () => {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  vi.restoreAllMocks();
});

const strict = createGuardedFetch([]);
const local = createGuardedFetch(['127.0.0.0/8']);
const PRIVATE = 'leads to a private address';

describe('an address that a client supplied', () => {
  it.each([
    ...['127.0.0.1', '127.255.255.254', '0.0.0.0', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1'],
    ...['169.254.169.254', '100.64.0.1', '100.127.255.255', '192.0.0.8', '192.0.2.1', '198.18.0.1', '198.51.100.1'],
    ...['203.0.113.1', '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255', '192.88.99.1'],
    // Other spellings of 127.0.0.1 and 169.254.169.254, which the URL parser reads as browsers do.
    ...[
      '2130706433',
      '0x7f000001',
      '017700000001',
      '0177.0.0.1',
      '127.1',
      '0x7f.1',
      '2852039166',
      '１２７.0.0.1',
      '127。0。0。1',
    ],
    ...['[::1]', '[::]', '[0:0:0:0:0:0:0:1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::ffff:169.254.169.254]'],
    ...['[0:0:0:0:0:ffff:7f00:1]', '[::ffff:8.8.8.8]', '[::127.0.0.1]', '[::7f00:1]', '[64:ff9b::127.0.0.1]'],
    ...['[64:ff9b:1::1]', '[2002:7f00:1::]', '[2001::1]', '[2001:db8::1]', '[100::1]', '[fc00::1]', '[fd12:3456::1]'],
    ...['[fe80::1]', '[fec0::1]', '[ff02::1]', 'localhost', 'LOCALHOST', '%6c%6f%63alhost'],
  ])('%s is not fetched', async (host) => {
    asked = [];
    await expect(strict(`http://${host}:${port}/`)).rejects.toThrow(PRIVATE);
    await expect(strict(`https://user:pass@${host}:${port}/`)).rejects.toThrow(PRIVATE);
    expect(asked).toEqual([]);
  });

  it.each([
    'file:///etc/passwd',
    'ftp://example.org/',
    'data:text/plain,x',
    'gopher://example.org/',
    'ws://example.org/',
  ])('%s is not fetched', async (address) => {
    await expect(strict(address)).rejects.toThrow('is not fetched');
  });

  it.each([[['10.9.9.9']], [['::ffff:10.9.9.9']], [['::ffff:a09:909']], [['fd00::1', '127.0.0.1']]])(
    'is not fetched where its name leads to %s',
    async (addresses) => {
      lookup.mockResolvedValueOnce(addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })));
      await expect(strict('http://rebound.example.net/')).rejects.toThrow(PRIVATE);
    },
  );

  it('is asked for once, and the connection goes to what was checked', async () => {
    lookup.mockClear();
    // A name server of the attacker answers something else each time, and something private among the rest.
    lookup.mockResolvedValueOnce([
      { address: '10.9.9.9', family: 4 },
      { address: '127.0.0.1', family: 4 },
    ]);
    lookup.mockRejectedValue(new Error('asked twice'));
    asked = [];
    const answer = await local(`http://rebound.example.net:${port}/`);
    expect(await answer.text()).toBe('secret');
    expect(lookup).toHaveBeenCalledTimes(1);
    expect(asked).toEqual([`GET rebound.example.net:${port} /`]);
    lookup.mockReset();
    lookup.mockImplementation(dns.lookup as never);
  });

  it('may be private where the operator listed its network, and only there', async () => {
    expect(await (await local(`http://127.0.0.1:${port}/`)).text()).toBe('secret');
    expect(await (await local(`http://localhost:${port}/`)).text()).toBe('secret');
    await expect(local(`http://[::ffff:7f00:1]:${port}/`)).rejects.toThrow(PRIVATE);
    await expect(local('http://10.0.0.1/')).rejects.toThrow(PRIVATE);
    const other = createGuardedFetch(['10.0.0.0/8', 'fd00::/8']);
    await expect(other(`http://127.0.0.1:${port}/`)).rejects.toThrow(PRIVATE);
  });

  it('leads no further: a redirect is an answer like another', async () => {
    asked = [];
    const answer = await local(`http://127.0.0.1:${port}/redirect`);
    expect([answer.status, answer.headers.get('location')]).toEqual([302, `http://localhost:${port}/secret`]);
    expect(asked).toHaveLength(1);
  });

  it('is read up to 64 KB', async () => {
    const whole = await local(`http://127.0.0.1:${port}/bytes?count=${64 * 1024}`);
    expect((await whole.text()).length).toBe(64 * 1024);
    await expect(local(`http://127.0.0.1:${port}/bytes?count=${64 * 1024 + 1}`)).rejects.toThrow(
      'more than 65536 bytes',
    );
    await expect(local(`http://127.0.0.1:${port}/endless`)).rejects.toThrow('more than 65536 bytes');
  });

  it('is waited for five seconds, for its name, the first byte and the last', async () => {
    const timeout = vi.spyOn(AbortSignal, 'timeout').mockImplementation((milliseconds) => {
      expect(milliseconds).toBe(5_000);
      const controller = new AbortController();
      setTimeout(() => controller.abort(new Error('too late')), 100);
      return controller.signal;
    });
    for (const path of ['/silent', '/never']) {
      await expect(local(`http://127.0.0.1:${port}${path}`)).rejects.toThrow();
    }
    // A name server that never answers, and one that answers too late: nobody is connected to any more.
    asked = [];
    const { promise: answer, resolve } = Promise.withResolvers<unknown>();
    lookup.mockReturnValueOnce(new Promise(() => {})).mockReturnValueOnce(answer);
    for (const name of ['silent', 'late']) {
      await expect(local(`http://${name}.example.net:${port}/`)).rejects.toThrow('too late');
    }
    resolve([{ address: '127.0.0.1', family: 4 }]);
    await wait(50);
    expect(asked).toEqual([]);
    // One limit for all of each, which begins before its name is asked for.
    expect(timeout).toHaveBeenCalledTimes(4);
    timeout.mockRestore();
  });

  it('gets what was to be sent, and any answer comes back as it is', async () => {
    const echo = await local(`http://127.0.0.1:${port}/echo`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'logout_token=x',
    });
    expect(await echo.text()).toBe('POST application/x-www-form-urlencoded logout_token=x');
    for (const code of [200, 204, 205, 304, 400, 500]) {
      expect((await local(new URL(`http://127.0.0.1:${port}/status?code=${code}`))).status).toBe(code);
    }
    await expect(local('http://127.0.0.1:1/')).rejects.toThrow('ECONNREFUSED');
  });
});
