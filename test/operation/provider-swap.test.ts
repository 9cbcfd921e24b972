import http from 'node:http';
import { decodeProtectedHeader } from 'jose';
import { describe, expect, it } from 'vitest';
import { BY_SYSTEM } from '../../src/lib/by.ts';
import { basic, post, userinfo } from '../support/endpoint.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const FORM = 'grant_type=client_credentials';

/** Gives the server one more key, under another name, and has it look. */
async function swap(server: TestServer, kid: string): Promise<void> {
  const { signingKeys } = server.app.stores;
  server.passTime(1001);
  const activatesAt = Date.now() + 3_600_000;
  const [key] = await signingKeys.list();
  if (!key) throw new Error('there is no key');
  const before = await publishedBy(server);
  await signingKeys.add({ ...key, kid, createdAt: activatesAt, activatesAt }, BY_SYSTEM);
  for (const { kid: old } of before.slice(1)) await signingKeys.revoke(old, BY_SYSTEM);
  const header = Buffer.from(JSON.stringify({ alg: 'RS256', typ: 'at+jwt', kid })).toString('base64url');
  await userinfo(server, `${header}.e30.c2ln`);
}

async function publishedBy({ issuer }: TestServer): Promise<{ kid: string }[]> {
  const response = await fetch(`${issuer}/.well-known/jwks.json`);
  return ((await response.json()) as { keys: { kid: string }[] }).keys;
}

function listeners(): number {
  return process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);
}

describe('a Provider that is swapped', () => {
  it('ends what it began', async () => {
    await using server = await startTestServer();
    const client = await server.addClient('service');
    const headers = { ...basic(client), 'content-type': 'application/x-www-form-urlencoded' };
    const request = http.request(`${server.issuer}/oauth2/token`, {
      method: 'POST',
      headers: { ...headers, 'content-length': FORM.length },
    });
    const answered = new Promise<string>((resolve, reject) => {
      request.once('error', reject).once('response', (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        answer.once('end', () => resolve(text));
      });
    });
    request.write(FORM.slice(0, 5));
    await post(server, '/oauth2/token', { grant_type: 'client_credentials' }, basic(client));
    await swap(server, 'next');
    expect((await publishedBy(server)).map(({ kid }) => kid)).toContain('next');
    request.end(FORM.slice(5));
    const { access_token: token } = JSON.parse(await answered) as { access_token: string };
    expect(decodeProtectedHeader(token).kid).toBe((await publishedBy(server))[0]?.kid);
  });

  it('a hundred times leaves no listener behind and fails no request', { timeout: 60_000 }, async () => {
    await using server = await startTestServer();
    const client = await server.addClient('service');
    const warnings: string[] = [];
    const warned = ({ name }: Error) => void warnings.push(name);
    process.on('warning', warned);
    const before = listeners();
    const statuses = new Map<number, number>();
    let running = true;
    const load = Promise.all(
      Array.from({ length: 4 }, async () => {
        while (running) {
          const { status } = await post(server, '/oauth2/token', { grant_type: 'client_credentials' }, basic(client));
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
        }
      }),
    );
    for (let turn = 0; turn < 100; turn += 1) await swap(server, `key-${turn}`);
    running = false;
    await load;
    process.off('warning', warned);

    expect(server.logged.filter((line) => line.includes('signing keys changed'))).toHaveLength(100);
    expect([...statuses.keys()]).toEqual([200]);
    expect(listeners()).toBeLessThanOrEqual(before);
    expect(warnings).toEqual([]);
  });
});
