import * as oauth from 'oauth4webapi';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { MINUTE } from '../../src/lib/duration.ts';
import { addDevices, addGateways, askAsDevice, connect, DEVICE_GRANT, poll, typeCode } from '../support/devices.ts';
import { post, userinfo } from '../support/endpoint.ts';
import { CALLBACK } from '../support/relying-party.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/server.ts';
import { signIn } from '../support/sign-in.ts';
import { slowLooks } from '../support/slow-looks.ts';
import { racers } from '../support/stores.ts';
import { turnClocks } from '../support/time.ts';
import { createUserAgent, type Page, textOf, type UserAgent } from '../support/user-agent.ts';
import { enter, visit } from '../support/visit.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ SECOND_FACTOR: 'optional', LIMIT_ADDRESS_REQUESTS: '10000' });
});
afterAll(() => server[Symbol.asyncDispose]());
afterEach(() => void vi.useRealTimers());

/** A device whose person has not answered yet. */
async function waiting(add = addDevices, settings = {}) {
  const client = await add(server, settings);
  const { body } = await askAsDevice(server, client);
  return { client, shown: body };
}

/** A device whose person has said yes. */
async function approved(parameters: Record<string, string> = {}) {
  const client = await addDevices(server);
  const account = await server.addAccount();
  const agent = createUserAgent(server.issuer);
  const { body } = await askAsDevice(server, client, parameters);
  expect(textOf((await connect(agent, body.user_code, account)).html)).toContain('Your device is connected');
  return { client, account, agent, shown: body };
}

describe('a device authorization request (RFC 8628 3.1, 3.2)', () => {
  it('is answered with two codes, by the rules of a client library that we did not write', async () => {
    const { id } = await addDevices(server);
    const [client, insecure] = [{ client_id: id }, { [oauth.allowInsecureRequests]: true }];
    const issuer = new URL(server.issuer);
    const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
    expect(as.device_authorization_endpoint).toBe(`${server.issuer}/oauth2/device`);
    expect(as.grant_types_supported).toContain(DEVICE_GRANT);
    const asked = await oauth.deviceAuthorizationRequest(as, client, oauth.None(), { scope: 'openid' }, insecure);
    expect(asked.headers.get('cache-control')).toBe('no-store');
    const shown = await oauth.processDeviceAuthorizationResponse(as, client, asked);
    expect(shown).toMatchObject({ verification_uri: `${server.issuer}/device`, expires_in: 600, interval: 5 });
    // 6.1: 20 letters, none of them a vowel.
    expect(shown.user_code).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
    expect(shown.verification_uri_complete).toBe(`${shown.verification_uri}?user_code=${shown.user_code}`);

    const account = await server.addAccount();
    await connect(createUserAgent(server.issuer), shown.user_code, account);
    const redeemed = await oauth.deviceCodeGrantRequest(as, client, oauth.None(), shown.device_code, insecure);
    const tokens = await oauth.processDeviceCodeResponse(as, client, redeemed);
    expect(oauth.getValidatedIdTokenClaims(tokens)?.sub).toBe(account.id);
  });

  it('is refused to a client that is not registered for it, and so is the grant', async () => {
    const client = await server.addClient('native', { redirectUris: [CALLBACK] });
    expect(await askAsDevice(server, client)).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    expect(await poll(server, client, 'x')).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  });

  it('is refused to a client that was registered before there was such a setting', async () => {
    const client = await server.addClient('native', { redirectUris: [CALLBACK], deviceGrant: undefined as never });
    expect((await askAsDevice(server, client)).status).toBe(400);
    await enter(await visit(server));
  });

  it('needs the proof of a client that has a secret, for both steps', async () => {
    const client = await addGateways(server);
    const wrong = { ...client, secret: 'gws_wrong' };
    expect(await askAsDevice(server, wrong)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    const { body } = await askAsDevice(server, client);
    expect(await poll(server, wrong, body.device_code)).toMatchObject({ status: 401 });
  });

  it('is refused for a scope that the client may not have, and above 16 KB', async () => {
    const client = await addDevices(server, { scopes: ['openid'] });
    expect((await askAsDevice(server, client, { scope: 'openid email' })).body.error).toBe('invalid_scope');
    expect((await askAsDevice(server, client, { login_hint: 'x'.repeat(16_400) })).status).toBe(413);
  });

  it('by a client that has no redirect address gives no way to the authorization endpoint', async () => {
    const { id } = await addDevices(server);
    const query = new URLSearchParams({
      client_id: id,
      response_type: 'code',
      redirect_uri: CALLBACK,
      scope: 'openid',
    });
    const page = await createUserAgent(server.issuer).follow(`/oauth2/authorize?${query}`);
    expect([page.status, page.url.startsWith(server.issuer)]).toEqual([400, true]);
  });
});

describe('a device that polls (3.4, 3.5)', () => {
  it('waits, is slowed down when it comes too soon, and may go on after the interval', async () => {
    const { client, shown } = await waiting();
    const ask = async () => (await poll(server, client, shown.device_code)).body.error;
    expect(await ask()).toBe('authorization_pending');
    expect([await ask(), await ask()]).toEqual(['slow_down', 'slow_down']);
    await new Promise((resolve) => setTimeout(resolve, 4_100));
    expect(await ask()).toBe('authorization_pending');
    // One device does not wait for another.
    const other = await askAsDevice(server, client);
    expect((await poll(server, client, other.body.device_code)).body.error).toBe('authorization_pending');
  });

  it('gets its tokens however soon it comes after the answer, once, and a second time ends them', async () => {
    const { client, account, shown } = await approved();
    const first = await poll(server, client, shown.device_code);
    expect(first).toMatchObject({ status: 200, body: { access_token: expect.any(String) } });
    expect((await userinfo(server, String(first.body.access_token))).body['sub']).toBe(account.id);
    expect((await poll(server, client, shown.device_code)).body.error).toBe('invalid_grant');
    expect((await userinfo(server, String(first.body.access_token))).status).toBe(401);
  });

  it('ten times at once gets tokens once at most, and nothing of it lives', async () => {
    const { client, shown } = await approved();
    const atOnce = slowLooks(server, 'DeviceCode');
    const answers = await racers(10, () => poll(server, client, shown.device_code));
    atOnce();
    const won = answers.filter(({ status }) => status === 200);
    expect(won.length).toBeLessThanOrEqual(1);
    for (const { status, body } of answers.filter((one) => !won.includes(one))) {
      expect([status, body.error]).toEqual([400, 'invalid_grant']);
    }
    for (const { body } of won) expect((await userinfo(server, String(body.access_token))).status).toBe(401);
  });

  it('with another one’s code, or an invented one, gets nothing', async () => {
    const { shown } = await approved();
    const other = await addDevices(server);
    expect((await poll(server, other, shown.device_code)).body.error).toBe('invalid_grant');
    expect((await poll(server, other, 'x'.repeat(43))).body.error).toBe('invalid_grant');
    expect((await poll(server, other, shown.user_code)).body.error).toBe('invalid_grant');
  });

  it('is told when it is too late, and so is the person', async () => {
    const { client, shown } = await waiting();
    turnClocks(10 * MINUTE + 1);
    expect((await poll(server, client, shown.device_code)).body.error).toBe('expired_token');
    const page = await typeCode(createUserAgent(server.issuer), shown.user_code);
    expect([page.status, textOf(page.html)]).toEqual([422, expect.stringContaining('No device waits for this code')]);
  });

  it('is told when it was too late by the end of the sign-in', async () => {
    const { client, shown } = await waiting();
    const account = await server.addAccount();
    const agent = createUserAgent(server.issuer);
    const page = await agent.submit(await typeCode(agent, shown.user_code), { decision: 'allow' });
    turnClocks(10 * MINUTE + 1);
    const late = await signIn(agent, page, account);
    expect([late.status, textOf(late.html)]).toEqual([410, expect.stringContaining('It is too late for this code')]);
    expect((await poll(server, client, shown.device_code)).body.error).toBe('expired_token');
  });
});

describe('a person who says no', () => {
  it.each([
    ['at the question whose device it is', async (agent, page) => agent.submit(page, { decision: 'deny' })],
    [
      'at the sign-in',
      async (agent, page) => {
        const start = await agent.submit(page, { decision: 'allow' });
        const cancel = start.forms.find(({ action }) => action.endsWith('/cancel'));
        return agent.follow(cancel?.action ?? '', {
          method: 'POST',
          body: new URLSearchParams(cancel?.fields).toString(),
          headers: { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' },
        });
      },
    ],
    [
      'at the consent',
      async (agent, page) => {
        const { email } = await server.addAccount();
        const start = await agent.submit(page, { decision: 'allow' });
        return agent.submit(await agent.submit(start, { email, password: PASSWORD }), { decision: 'deny' });
      },
    ],
  ] as [string, (agent: UserAgent, page: Page) => Promise<Page>][])(
    '%s is told so, and so is the device',
    async (_, deny) => {
      const { client, shown } = await waiting();
      const agent = createUserAgent(server.issuer);
      const page = await deny(agent, await typeCode(agent, shown.user_code));
      expect(textOf(page.html)).toContain('The device was turned away');
      expect((await poll(server, client, shown.device_code)).body.error).toBe('access_denied');
      expect((await poll(server, client, shown.device_code)).body.error).toBe('invalid_grant');
      expect((await typeCode(agent, shown.user_code)).status).toBe(422);
    },
  );
});

describe('an answer counts once', () => {
  it('of two people at once, one goes on', async () => {
    const { client, shown } = await waiting();
    const people = await Promise.all(
      [1, 2, 3, 4].map(async () => {
        const agent = createUserAgent(server.issuer);
        return { agent, page: await typeCode(agent, shown.user_code) };
      }),
    );
    const atOnce = slowLooks(server, 'UserCode');
    const pages = await racers(4, (index) => {
      const { agent, page } = people[index] as (typeof people)[number];
      return agent.submit(page, { decision: 'allow' });
    });
    atOnce();
    expect(pages.map((page) => textOf(page.html)).filter((text) => /Sign in/.test(text))).toHaveLength(1);
    expect(pages.filter(({ status }) => status === 422)).toHaveLength(3);
    expect((await poll(server, client, shown.device_code)).body.error).toBe('authorization_pending');
  });

  it('what is approved is the code that was asked with, and no other beside it', async () => {
    const { client, shown } = await approved();
    const agent = createUserAgent(server.issuer);
    expect((await typeCode(agent, shown.user_code)).status).toBe(422);
    expect((await poll(server, client, shown.device_code)).status).toBe(200);
  });
});

describe('what was approved falls with what it rests on', () => {
  it.each([
    [
      'the account is disabled',
      async ({ account }) => server.app.stores.accounts.disable(account.id, BY_OPERATOR),
      'invalid_grant',
    ],
    [
      'the account is signed out everywhere',
      async ({ account }) => server.app.stores.accounts.signOut(account.id, BY_OPERATOR),
      'invalid_grant',
    ],
    [
      'the client is disabled',
      async ({ client }) => server.app.stores.clients.setStatus(client.id, 'disabled', BY_OPERATOR),
      'invalid_client',
    ],
    [
      'the access of the application is ended',
      async ({ agent, client }) => {
        const page = await agent.follow('/account/applications');
        const form = page.forms.find(({ fields }) => Object.values(fields).includes(client.id));
        await agent.submit({ ...page, forms: form ? [form] : [] });
      },
      'invalid_grant',
    ],
  ] as [string, (one: Awaited<ReturnType<typeof approved>>) => Promise<unknown>, string][])(
    'before it polls: %s',
    async (_, end, error) => {
      const one = await approved();
      await end(one);
      expect((await poll(server, one.client, one.shown.device_code)).body.error).toBe(error);
    },
  );

  it('a session that ends takes it along, unless offline_access was allowed', async () => {
    const [bound, offline] = [await approved({ scope: 'openid' }), await approved()];
    for (const { agent } of [bound, offline]) {
      await agent.submit(await agent.follow('/oauth2/logout'), { logout: 'yes' });
    }
    expect((await poll(server, bound.client, bound.shown.device_code)).body.error).toBe('invalid_grant');
    expect((await poll(server, offline.client, offline.shown.device_code)).status).toBe(200);
  });

  it('and whose application may not have devices any more is not asked about', async () => {
    const { client, shown } = await waiting();
    const settings = { ...client.settings, deviceGrant: false };
    await server.app.stores.clients.update({ ...client, settings }, BY_OPERATOR);
    const page = await typeCode(createUserAgent(server.issuer), shown.user_code);
    expect([page.status, textOf(page.html)]).toEqual([422, expect.stringContaining('No device waits for this code')]);
  });

  it('tokens too', async () => {
    const { client, account, shown } = await approved();
    const { body } = await poll(server, client, shown.device_code);
    await server.app.stores.accounts.disable(account.id, BY_OPERATOR);
    expect((await userinfo(server, String(body.access_token))).status).toBe(401);
    const refresh = { grant_type: 'refresh_token', client_id: client.id, refresh_token: String(body.refresh_token) };
    expect((await post(server, '/oauth2/token', refresh)).body.error).toBe('invalid_grant');
  });

  it('but not with what its person did before: a password that was set anew meanwhile signs in for it', async () => {
    const { client, shown } = await waiting();
    const account = await server.addAccount();
    turnClocks(MINUTE);
    await server.app.stores.accounts.signOut(account.id, BY_OPERATOR);
    turnClocks(1);
    await connect(createUserAgent(server.issuer), shown.user_code, account);
    expect((await poll(server, client, shown.device_code)).status).toBe(200);
  });
});

describe('the sign-in for a device', () => {
  it('lets in nobody but the one whom id_token_hint names', async () => {
    const { client, account, shown } = await approved();
    const { body } = await poll(server, client, shown.device_code);
    const hint = { id_token_hint: String(body['id_token']) };
    const other = await server.addAccount();
    const [first, second] = [await askAsDevice(server, client, hint), await askAsDevice(server, client, hint)];

    const refused = await connect(createUserAgent(server.issuer), first.body.user_code, other);
    expect(textOf(refused.html)).toContain('The device was turned away');
    expect((await poll(server, client, first.body.device_code)).body.error).toBe('login_required');
    await connect(createUserAgent(server.issuer), second.body.user_code, account);
    expect((await poll(server, client, second.body.device_code)).status).toBe(200);
  });

  it('that somebody leaves who was asked for a factor they do not have is no wrong request', async () => {
    const { client, shown } = await waiting(addDevices, { minimumLevel: 'two-factor' });
    const { email } = await server.addAccount();
    const agent = createUserAgent(server.issuer);
    const start = await agent.submit(await typeCode(agent, shown.user_code), { decision: 'allow' });
    const page = await agent.submit(start, { email, password: PASSWORD });
    const forms = page.forms.filter(({ action }) => action.endsWith('/cancel'));
    const left = await agent.submit({ ...page, forms }, { csrf: forms[0]?.fields['csrf'] ?? '' });
    expect([left.status, textOf(left.html)]).toEqual([200, expect.stringContaining('The device was turned away')]);
    expect((await poll(server, client, shown.device_code)).body.error).toBe('unmet_authentication_requirements');
  });

  it('asks for the level that its application is registered with, and the tokens say how it was', async () => {
    const seed = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
    const account = await server.addAccount({ totpSecret: seed });
    const client = await addDevices(server, { minimumLevel: 'two-factor' });
    const { body: shown } = await askAsDevice(server, client);
    const agent = createUserAgent(server.issuer);
    await connect(agent, shown.user_code, account, { totpSecret: seed });
    const { body } = await poll(server, client, shown.device_code);
    const [, payload = ''] = String(body.access_token).split('.');
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({
      ...{ acr: 'urn:gatewright:acr:two-factor', amr: ['pwd', 'otp', 'mfa'], auth_time: expect.any(Number) },
    });
  });
});
