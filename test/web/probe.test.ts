import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MINUTE, toMilliseconds } from '../../src/lib/duration.ts';
import { keyringFrom } from '../../src/lib/keyring.ts';
import { newKeyring } from '../../src/lib/keyring-file.ts';
import { PROBE_PASS, PROBE_PATH, probePass } from '../../src/lib/probe.ts';
import { send } from '../support/raw.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ TRUSTED_PROXIES: '127.0.0.1' });
});
afterAll(() => server[Symbol.asyncDispose]());

const now = () => Date.now();
const pass = (clock = now) => probePass(server.app.stores.keyring.subkey('probe'), clock);
const ask = (headers: Record<string, string>) => send(server, { target: PROBE_PATH, headers });

describe('the probe of the doctor', () => {
  it('says how a request arrived', async () => {
    const headers = { [PROBE_PASS]: pass(), host: 'inner.example.org', 'x-forwarded-for': '192.0.2.1, 198.51.100.7' };
    const answer = await ask(headers);
    expect([answer.status, answer.headers['cache-control']]).toEqual([200, 'no-store']);
    expect(JSON.parse(answer.body)).toEqual({
      ...{ address: '198.51.100.7', peer: '127.0.0.1', listed: true, host: 'inner.example.org' },
      ...{ forwardedFor: '192.0.2.1, 198.51.100.7', at: expect.any(Number) },
    });
  });

  it('is not there for strangers: the same answer as where nothing is', async () => {
    const timeless = ({ text }: { text: string }) => text.replaceAll(/req_\w+|\w{3}, \d.* GMT/g, '');
    const nothing = await send(server, { target: '/health/nothing' });
    const foreign = probePass(keyringFrom(newKeyring()).subkey('probe'), now);
    const [, mac = ''] = pass().split('.');
    const later = String(Date.now() + 1);
    for (const given of ['', 'x', '.', foreign, `${later}.${mac}`, `.${mac}`, pass().split('.')[0] ?? '']) {
      const answer = await ask({ [PROBE_PASS]: given });
      expect(answer.status).toBe(404);
      expect(timeless(answer)).toBe(timeless(nothing));
    }
  });

  it('takes a pass of the last five minutes only', async () => {
    const at = (minutes: number) => pass(() => Date.now() + toMilliseconds(minutes * MINUTE));
    const statuses = await Promise.all(
      [-6, -4, 4, 6].map(async (each) => (await ask({ [PROBE_PASS]: at(each) })).status),
    );
    expect(statuses).toEqual([404, 200, 200, 404]);
  });
});
