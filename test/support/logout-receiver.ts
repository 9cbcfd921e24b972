import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** A relying party's address for logout tokens (Back-Channel Logout 1.0): keeps what it gets. */
export async function startLogoutReceiver() {
  const tokens: string[] = [];
  const traceparents: (string | undefined)[] = [];
  const statuses: number[] = [];
  const server = http.createServer(async (req, res) => {
    let body = '';
    for await (const chunk of req) body += chunk;
    const isForm = req.method === 'POST' && req.headers['content-type'] === 'application/x-www-form-urlencoded';
    traceparents.push(req.headers['traceparent'] as string | undefined);
    if (isForm) tokens.push(new URLSearchParams(body).get('logout_token') ?? '');
    res.writeHead(statuses.shift() ?? 200, { connection: 'close' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/backchannel`,
    tokens,
    traceparents,
    /** What the next requests are answered with; after them 200. */
    answerWith: (...next: number[]) => void statuses.push(...next),
    /** From now on with 200. */
    recover: () => void statuses.splice(0),
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}
