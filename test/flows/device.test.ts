import * as openid from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signInOnDevice } from '../../examples/device/device.ts';
import { addDevices, addGateways, askAsDevice, connect, poll, typeCode } from '../support/devices.ts';
import { createRelyingParty } from '../support/relying-party.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createUserAgent, textOf, type UserAgent } from '../support/user-agent.ts';
import { ask, enter, visit } from '../support/visit.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    ...{ SECOND_FACTOR: 'optional', TRUSTED_PROXIES: '127.0.0.1,::1', LIMIT_PER_ADDRESS: '8' },
  });
});
afterAll(() => server[Symbol.asyncDispose]());

const TELEVISION = 'Mozilla/5.0 (Linux; Android 12; BRAVIA 4K) AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36';
const pending = async (...asked: Parameters<typeof poll>) => (await poll(...asked)).body.error;

/** Each from a network of its own, where nobody has typed anything yet. */
let networks = 0;
function aBrowser() {
  const agent = createUserAgent(server.issuer);
  networks += 1;
  agent.moveTo(`203.0.113.${networks}`);
  return agent;
}

/** The same interaction where the other kind of them goes on, by whoever writes cookies by hand. */
async function resumedAt(path: string, { jar }: UserAgent, resume: string) {
  const cookie = [...jar.values()].map(({ name, value }) => `${name}=${value}`).join('; ');
  const url = `${server.issuer}${path}/${resume.split('/').at(-1)}`;
  const { status, headers } = await fetch(url, { headers: { cookie, accept: 'text/html' }, redirect: 'manual' });
  return [status, headers.get('location')];
}

/** Somebody who is signed in already. */
async function signedIn() {
  const person = await visit(server, { agent: aBrowser() });
  await enter(person);
  return person;
}

async function eventsOf(accountId: string | undefined): Promise<string[]> {
  const events = await server.app.stores.auditTrail.latest(50, accountId ? { accountId } : {});
  return events.map(({ event }) => event).filter((event) => event.startsWith('device.'));
}

describe('a device', () => {
  it.each([
    ['without a secret', addDevices],
    ['with a secret', addGateways],
  ])('%s is connected by a person on another one, by a client library that we did not write', async (_, add) => {
    const client = await add(server);
    const account = await server.addAccount();
    const { config } = await createRelyingParty(server, client);
    const shown = await openid.initiateDeviceAuthorization(config, { scope: 'openid email offline_access' });
    expect(shown.verification_uri).toBe(`${server.issuer}/device`);
    const polling = openid.pollDeviceAuthorizationGrant(config, shown);

    const page = await connect(aBrowser(), shown.user_code, account);
    expect(textOf(page.html)).toContain('Your device is connected');
    const tokens = await polling;
    expect(tokens.claims()).toMatchObject({
      ...{ sub: account.id, acr: 'urn:gatewright:acr:one-factor', amr: ['pwd'], auth_time: expect.any(Number) },
    });
    const info = await openid.fetchUserInfo(config, tokens.access_token, account.id);
    expect(info.email).toBe(account.email);
    const next = await openid.refreshTokenGrant(config, String(tokens.refresh_token));
    expect((await openid.fetchUserInfo(config, next.access_token, account.id)).sub).toBe(account.id);
  });

  it('as in our example shows a code and learns who its person is, or that there is none', async () => {
    const { id } = await addDevices(server);
    const account = await server.addAccount();
    const screens = [1, 2].map(() => {
      const screen = Promise.withResolvers<string>();
      const show = (code: string) => screen.resolve(code);
      return { code: screen.promise, person: signInOnDevice({ issuer: server.issuer, clientId: id, show }) };
    });
    const [yes, no] = screens as [(typeof screens)[number], (typeof screens)[number]];
    const refused = expect(no.person).rejects.toThrow('it was turned down');
    const agent = aBrowser();
    await connect(agent, await yes.code, account);
    await agent.submit(await typeCode(agent, await no.code), { decision: 'deny' });
    const person = { subject: account.id, email: account.email, refreshToken: expect.stringMatching(/^gwr_/) };
    expect(await yes.person).toEqual(person);
    await refused;
  });

  it('is shown as it asked, before anybody signs in for it', async () => {
    const client = await addDevices(server, { clientUri: 'https://tv.example.org/about' });
    const from = { 'user-agent': TELEVISION, 'x-forwarded-for': '198.51.100.77' };
    const { body: shown } = await askAsDevice(server, client, {}, from);
    const page = await typeCode(aBrowser(), shown.user_code.toLowerCase().replace('-', ' . '));
    const text = textOf(page.html);
    for (const part of ['Living room TV', 'tv.example.org', shown.user_code, 'Chrome on Android', '198.51.100.77']) {
      expect(text).toContain(part);
    }
    expect(text).not.toContain('BRAVIA');
  });

  it('is told of in the activity and in the trail, and stands among the applications', async () => {
    const { agent, account } = await signedIn();
    const client = await addDevices(server);
    const [first, second] = [await askAsDevice(server, client), await askAsDevice(server, client)];
    await agent.submit(await agent.submit(await typeCode(agent, first.body.user_code), { decision: 'allow' }), {
      decision: 'allow',
    });
    await agent.submit(await typeCode(agent, second.body.user_code), { decision: 'deny' });
    await typeCode(agent, 'BBBB-BBBB');
    expect(await eventsOf(account.id)).toEqual(['device.code_wrong', 'device.denied', 'device.approved']);
    const activity = textOf((await agent.follow('/account/activity')).html);
    expect(activity).toMatch(/A device was connected .*Living room TV/);
    expect(activity).toContain('A device was turned away');
    expect(textOf((await agent.follow('/account/applications')).html)).toContain('Living room TV');
  });
});

/* The attacker has a device ask, and sends its code, or the whole address, to somebody who is signed in. */
describe('an address that somebody was sent', () => {
  it.each([addDevices, addGateways])(
    'does nothing by being opened, and shows who asks before anything is done',
    async (add) => {
      const { agent } = await signedIn();
      const client = await add(server, { name: 'Not what it says' });
      const { body: shown } = await askAsDevice(server, client, {}, { 'x-forwarded-for': '192.0.2.66' });
      const opened = await agent.request(shown.verification_uri_complete);
      expect([opened.status, opened.headers.get('location')]).toEqual([303, '/device']);
      expect(opened.headers.get('referrer-policy')).toBe('no-referrer');
      expect(opened.headers.get('cache-control')).toBe('no-store');

      const page = await agent.follow(shown.verification_uri_complete);
      expect(page.url).toBe(shown.verification_uri);
      expect(page.forms[0]?.fields['user_code']).toBe(shown.user_code);
      expect([page.html.includes('<script'), page.headers.get('refresh')]).toEqual([false, null]);
      expect(await pending(server, client, shown.device_code)).toBe('authorization_pending');

      const asked = textOf((await agent.submit(page)).html);
      for (const part of ['Is this your device?', 'Not what it says', '192.0.2.66', 'it is a trap'])
        expect(asked).toContain(part);
      expect((await poll(server, client, shown.device_code)).status).toBe(400);
    },
  );

  it.each(['javascript:alert(1)', '"><script>alert(1)</script>', 'AEIO-UAEI', 'x'.repeat(5_000), '%00'])(
    'with %s for a code is an empty form',
    async (code) => {
      const page = await aBrowser().follow(`/device?user_code=${encodeURIComponent(code)}`);
      expect([page.status, page.forms[0]?.fields['user_code']]).toEqual([200, '']);
    },
  );

  it('cannot be answered with the form of another device, or without the question', async () => {
    const { agent } = await signedIn();
    const client = await addDevices(server);
    const own = (await askAsDevice(server, client)).body;
    const foreign = (await askAsDevice(server, client)).body;
    const entry = await agent.follow('/device');
    const page = await agent.submit(entry, { user_code: own.user_code });
    const send = (csrf: string | undefined) =>
      agent.follow('/device/decision', {
        method: 'POST',
        body: new URLSearchParams({ csrf: csrf ?? '', user_code: foreign.user_code, decision: 'allow' }).toString(),
        headers: { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' },
      });
    expect((await send(page.forms[0]?.fields['csrf'])).status).toBe(403);
    expect((await send(entry.forms[0]?.fields['csrf'])).status).toBe(403);
    expect(await pending(server, client, foreign.device_code)).toBe('authorization_pending');
  });

  it('of the sign-in that follows is of no use to another browser', async () => {
    const { body } = await askAsDevice(server, await addDevices(server));
    const agent = aBrowser();
    const answer = await agent.post(await typeCode(agent, body.user_code), { decision: 'allow' });
    const resume = /^0; url=(.+)$/.exec(answer.headers.get('refresh') ?? '')?.[1] ?? '';
    expect(resume).toMatch(/^\/device\/[\w-]{43}$/);
    const stranger = await (await signedIn()).agent.follow(resume);
    expect([stranger.status, textOf(stranger.html)]).toEqual([400, expect.stringContaining('This sign-in has ended')]);
    expect(await resumedAt('/oauth2/authorize', agent, resume)).toEqual([400, null]);
    expect(textOf((await agent.follow(resume)).html)).toContain('Sign in');
  });
});

it('a sign-in for an application does not go on as one for a device', async () => {
  const { party, agent } = await visit(server, { agent: aBrowser() });
  const { page } = await ask({ party, agent });
  expect(await resumedAt('/device', agent, page.url)).toEqual([400, null]);
});

describe('whoever is not signed in', () => {
  it('is not kept: no session, whatever happens on these pages', async () => {
    const agent = aBrowser();
    const client = await addDevices(server);
    const saved: string[] = [];
    const { artifacts } = server.app.stores;
    const { put } = artifacts;
    artifacts.put = async (...args) => {
      saved.push(args[0]);
      return put(...args);
    };
    const shown = (await askAsDevice(server, client)).body;
    const page = await agent.submit(await typeCode(agent, 'BBBBBBBB'), { user_code: shown.user_code });
    const start = await agent.submit(page, { decision: 'allow' });
    const cancel = start.forms.find(({ action }) => action.endsWith('/cancel'));
    const end = await agent.follow(cancel?.action ?? '', {
      method: 'POST',
      body: new URLSearchParams(cancel?.fields).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' },
    });
    artifacts.put = put;
    expect([end.status, textOf(end.html)]).toEqual([200, expect.stringContaining('The device was turned away')]);
    expect((await poll(server, client, shown.device_code)).body.error).toBe('access_denied');
    expect(saved).toContain('Interaction');
    expect(saved).not.toContain('Session');
    expect([...agent.jar.values()].map(({ name }) => name)).not.toContain('gatewright');
  });
});

describe('codes that are guessed (RFC 8628 5.1)', () => {
  it('wait after as many as one address may, also for the right one, with a page that says when', async () => {
    const { body: shown } = await askAsDevice(server, await addDevices(server));
    const agent = aBrowser();
    for (let tried = 0; tried < 8; tried += 1) expect((await typeCode(agent, 'BBBBBBBB')).status).toBe(422);
    const page = await typeCode(agent, shown.user_code);
    expect([page.status, textOf(page.html)]).toEqual([429, expect.stringMatching(/Try again in \d+ minutes/)]);
    expect(Number(page.headers.get('retry-after'))).toBeGreaterThan(800);
    expect(textOf((await typeCode(aBrowser(), shown.user_code)).html)).toContain('Is this your device?');
  });

  it('wait after five for whoever is signed in, from wherever; right ones are not counted', async () => {
    const { agent } = await signedIn();
    const client = await addDevices(server);
    for (let right = 0; right < 6; right += 1) {
      const { body } = await askAsDevice(server, client);
      expect((await typeCode(agent, body.user_code)).status).toBe(200);
    }
    for (let tried = 0; tried < 5; tried += 1) {
      agent.moveTo(`198.51.100.${tried}`);
      expect((await typeCode(agent, 'BBBBBBBB')).status).toBe(422);
    }
    agent.moveTo('198.51.100.99');
    expect((await typeCode(agent, 'BBBBBBBB')).status).toBe(429);
  });

  it('that cannot be one are refused without being counted', async () => {
    const agent = aBrowser();
    for (let tried = 0; tried < 10; tried += 1) {
      const page = await typeCode(agent, ['', 'AAAA-AAAA', 'BBBB-BBB', 'BBBB-BBBBB', '1234-5678'][tried % 5] as string);
      expect([page.status, textOf(page.html)]).toEqual([422, expect.stringContaining('Type the eight letters')]);
    }
    expect((await typeCode(agent, 'BBBB-BBBB')).status).toBe(422);
  });
});
