import * as openid from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addDevices, addGateways, connect } from '../support/devices.ts';
import { createRelyingParty } from '../support/relying-party.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createUserAgent, textOf } from '../support/user-agent.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ SECOND_FACTOR: 'optional' });
});
afterAll(() => server[Symbol.asyncDispose]());

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

    const page = await connect(createUserAgent(server.issuer), shown.user_code, account);
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
});
