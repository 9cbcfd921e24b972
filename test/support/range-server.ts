import { hash } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RangeServer {
  url: string;
  /** Every request, whole, as it came over the wire. */
  requests: { line: string; headers: http.IncomingHttpHeaders }[];
  /** How it answers from now on. */
  behaves: 'well' | 'with an error' | 'with a page' | 'never' | 'elsewhere';
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Speaks the range protocol about these passwords, padded as Have I Been Pwned does.
 * @param padded passwords that are among the padding, by chance
 */
export async function startRangeServer(
  breached: readonly string[],
  padded: readonly string[] = [],
): Promise<RangeServer> {
  const digests = breached.map((password) => hash('sha1', password, 'hex').toUpperCase());
  const chance = padded.map((password) => `${hash('sha1', password, 'hex').toUpperCase().slice(5)}:0`);
  const server = http.createServer((req, res) => {
    range.requests.push({ line: `${req.method} ${req.url}`, headers: req.headers });
    const prefix = (req.url ?? '').split('/').at(-1) ?? '';
    const found = digests.filter((digest) => digest.startsWith(prefix)).map((digest) => `${digest.slice(5)}:37`);
    const padding = Array.from({ length: 900 }, (_, i) => `${hash('sha1', `${i}`, 'hex').slice(5).toUpperCase()}:0`);
    if (range.behaves === 'never') return;
    if (range.behaves === 'with an error') res.statusCode = 503;
    if (range.behaves === 'elsewhere') res.writeHead(302, { Location: `/moved/${prefix}` });
    res.end(range.behaves === 'with a page' ? '<html></html>' : [...padding, ...chance, ...found].join('\r\n'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const range: RangeServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/range/`,
    requests: [],
    behaves: 'well',
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return range;
}
