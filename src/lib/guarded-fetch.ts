import { lookup } from 'node:dns/promises';
import http from 'node:http';
import https from 'node:https';
import { BlockList, isIP } from 'node:net';
import type { Milliseconds } from './duration.ts';
import { outgoingTraceparent } from './trace.ts';

const TIMEOUT: Milliseconds = 5_000;
const LARGEST_ANSWER = 64 * 1024;

/** RFC 6890 and its IPv6 counterparts: nothing that a stranger's address should lead to. */
const SPECIAL = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
  ...['192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
  ...['224.0.0.0/4', '240.0.0.0/4'],
  ...['::/96', '64:ff9b::/96', '64:ff9b:1::/48', '100::/64', '2001::/23', '2001:db8::/32', '2002::/16', 'fc00::/7'],
  ...['fe80::/10', 'fec0::/10', 'ff00::/8'],
];

type Answer = { status: number; headers: http.IncomingHttpHeaders; body: Buffer };

/**
 * For addresses that clients supply. Resolves a name once and connects to what it checked, follows no redirect, waits
 * 5 seconds for all of it, reads 64 KB.
 * @param allowed networks (CIDR) that may be reached although they are private
 */
export function createGuardedFetch(allowed: readonly string[]): typeof globalThis.fetch {
  const special = blockList(SPECIAL);
  const exceptions = blockList(allowed);

  function isReachable(address: string): boolean {
    // An IPv4 address in IPv6 clothes is judged as what it is.
    const plain = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
    const family = isIP(plain) === 6 ? 'ipv6' : 'ipv4';
    if (/^::ffff:/i.test(plain)) return false;
    return exceptions.check(plain, family) || !special.check(plain, family);
  }

  async function resolve(hostname: string): Promise<{ address: string; family: number }> {
    const host = hostname.replace(/^\[|\]$/g, '');
    const found = isIP(host) ? [{ address: host, family: isIP(host) }] : await lookup(host, { all: true });
    const usable = found.find(({ address }) => isReachable(address));
    if (!usable)
      throw new Error(`${hostname} leads to a private address: list its network in ALLOWED_PRIVATE_NETWORKS`);
    return usable;
  }

  return async (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new Error(`${url.protocol} is not fetched`);
    const signal = AbortSignal.timeout(TIMEOUT);
    const target = await unlessAborted(signal, resolve(url.hostname));
    const { status, headers, body } = await request(url, target, init, signal);
    const fields = Object.entries(headers).flatMap(([name, value]) =>
      [value ?? []].flat().map((one): [string, string] => [name, one]),
    );
    return new Response([204, 205, 304].includes(status) ? null : new Uint8Array(body), { status, headers: fields });
  };
}

/** For work that cannot be called off, such as asking a name server: its outcome is not waited for any longer. */
function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  return Promise.race([work, aborted]);
}

function request(
  url: URL,
  target: { address: string; family: number },
  init: RequestInit,
  signal: AbortSignal,
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const { request: send } = url.protocol === 'https:' ? https : http;
  const req = send(url, {
    method: init.method ?? 'GET',
    headers: headersOf(init),
    signal,
    agent: false,
    // The address that was checked, whatever the name resolves to by now.
    lookup: (_hostname, options, callback) =>
      options.all ? callback(null, [target]) : callback(null, target.address, target.family),
  });
  req.on('response', (res) => {
    const chunks: Buffer[] = [];
    let size = 0;
    res.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > LARGEST_ANSWER) req.destroy(new Error(`${url.origin} answered more than ${LARGEST_ANSWER} bytes`));
      chunks.push(chunk);
    });
    res.on('error', reject);
    res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, body: Buffer.concat(chunks) }));
  });
  req.on('error', reject);
  const { body } = init;
  req.end(body === undefined || body === null ? undefined : String(body));
  return promise;
}

function headersOf(init: RequestInit): http.OutgoingHttpHeaders {
  const traceparent = outgoingTraceparent();
  return { ...Object.fromEntries(new Headers(init.headers as HeadersInit)), ...(traceparent && { traceparent }) };
}

function blockList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    list.addSubnet(address, Number(bits), isIP(address) === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}
