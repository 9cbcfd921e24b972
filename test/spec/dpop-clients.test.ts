import { decodeJwt } from 'jose';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CALLBACK } from '../support/relying-party.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { signIn } from '../support/sign-in.ts';
import { visit } from '../support/visit.ts';

/*
 * Libraries that we did not write, against a server that takes no proof without a nonce: each first request of theirs is
 * sent back with one.
 */

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ SECOND_FACTOR: 'optional', DPOP_NONCE: 'required' });
});
afterAll(() => server[Symbol.asyncDispose]());

describe('openid-client', () => {
  it.each(['spa', 'web'] as const)('pushes, redeems, refreshes and reads the profile as a %s client', async (type) => {
    const person = await visit(server, { type, dpopBound: true, requirePar: true });
    const { config } = person.party;
    const DPoP = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair('ES256'));
    const jkt = await DPoP.calculateThumbprint();
    const { url, ...authorization } = await person.party.authorization();
    const pushed = await openid.buildAuthorizationUrlWithPAR(config, new URL(url).searchParams, { DPoP });
    const back = await signIn(person.agent, await person.agent.follow(pushed.href), person.account);
    const tokens = await openid.authorizationCodeGrant(
      config,
      new URL(back.url),
      {
        ...{ expectedState: authorization.state, expectedNonce: authorization.nonce },
        pkceCodeVerifier: authorization.codeVerifier,
      },
      undefined,
      { DPoP },
    );
    expect(tokens.token_type).toBe('dpop');
    expect(decodeJwt(tokens.access_token)['cnf']).toEqual({ jkt });
    const refreshed = await openid.refreshTokenGrant(config, tokens.refresh_token ?? '', undefined, { DPoP });
    expect(decodeJwt(refreshed.access_token)['cnf']).toEqual({ jkt });
    const profile = await openid.fetchUserInfo(config, refreshed.access_token, person.account.id, { DPoP });
    expect(profile.sub).toBe(person.account.id);
    await expect(openid.fetchUserInfo(config, refreshed.access_token, person.account.id)).rejects.toThrow();
  });
});

describe('oauth4webapi', () => {
  const insecure = { [oauth.allowInsecureRequests]: true } as const;

  it('is challenged for a nonce at each endpoint, and goes on with it', async () => {
    const person = await visit(server, { type: 'spa' });
    const issuer = new URL(server.issuer);
    const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
    expect(as.dpop_signing_alg_values_supported).toContain('Ed25519');
    const client: oauth.Client = { client_id: person.client.id };
    const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('Ed25519'));
    const challenges: string[] = [];

    async function retried<T>(ask: () => Promise<T>, name: string): Promise<T> {
      try {
        return await ask();
      } catch (err) {
        if (!oauth.isDPoPNonceError(err)) throw err;
        challenges.push(name);
        return ask();
      }
    }

    const codeVerifier = oauth.generateRandomCodeVerifier();
    const parameters = new URLSearchParams({
      ...{ response_type: 'code', redirect_uri: CALLBACK, scope: 'openid', state: 's' },
      ...{ code_challenge: await oauth.calculatePKCECodeChallenge(codeVerifier), code_challenge_method: 'S256' },
    });
    const pushed = await retried(async () => {
      const response = await oauth.pushedAuthorizationRequest(as, client, oauth.None(), parameters, {
        ...insecure,
        DPoP,
      });
      return oauth.processPushedAuthorizationResponse(as, client, response);
    }, 'par');
    const request = new URLSearchParams({ client_id: client.client_id, request_uri: pushed.request_uri });
    const page = await person.agent.follow(`/oauth2/authorize?${request}`);
    const back = await signIn(person.agent, page, person.account);
    const callback = oauth.validateAuthResponse(as, client, new URL(back.url), 's');
    const tokens = await oauth.authorizationCodeGrantRequest(
      as,
      client,
      oauth.None(),
      callback,
      CALLBACK,
      codeVerifier,
      { ...insecure, DPoP },
    );
    const { access_token, refresh_token } = await oauth.processAuthorizationCodeResponse(as, client, tokens);

    // A second handle has no nonce yet.
    const fresh = oauth.DPoP(client, await oauth.generateKeyPair('ES256'));
    const stolen = retried(async () => {
      const response = await oauth.userInfoRequest(as, client, access_token, { ...insecure, DPoP: fresh });
      return oauth.processUserInfoResponse(as, client, person.account.id, response);
    }, 'userinfo');
    await expect(stolen).rejects.toMatchObject({ status: 401 });
    const read = await oauth.userInfoRequest(as, client, access_token, { ...insecure, DPoP });
    expect((await oauth.processUserInfoResponse(as, client, person.account.id, read)).sub).toBe(person.account.id);

    const refreshed = await oauth.refreshTokenGrantRequest(as, client, oauth.None(), refresh_token ?? '', {
      ...{ ...insecure, DPoP },
    });
    const again = await oauth.processRefreshTokenResponse(as, client, refreshed);
    expect(decodeJwt(again.access_token)['cnf']).toEqual({ jkt: await DPoP.calculateThumbprint() });
    expect(challenges).toEqual(['par', 'userinfo']);
  });
});
