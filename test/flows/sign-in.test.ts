import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CALLBACK, createRelyingParty } from '../support/relying-party.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { signIn } from '../support/sign-in.ts';
import { createUserAgent } from '../support/user-agent.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server[Symbol.asyncDispose]());

describe('a sign-in by authorization code and PKCE', () => {
  it('ends with RS256 tokens for the person who signed in', async () => {
    const account = await server.addAccount({ claims: { name: 'Ada Lovelace' } });
    const client = await server.addClient('web', { redirectUris: [CALLBACK] });
    const party = await createRelyingParty(server, client);
    const agent = createUserAgent(server.issuer);

    const authorization = await party.authorization({ scope: 'openid profile email' });
    const start = await agent.follow(authorization.url);
    const back = await signIn(agent, start, account);
    expect(back.url).toContain(`${CALLBACK}?code=`);

    const tokens = await party.redeem(back, authorization);
    expect(decodeProtectedHeader(tokens.id_token ?? '')).toMatchObject({ alg: 'RS256' });
    const claims = tokens.claims();
    expect(claims).toMatchObject({ sub: account.id, acr: 'urn:gatewright:acr:one-factor', amr: ['pwd'] });
    expect(claims).not.toHaveProperty('email');
    expect(decodeProtectedHeader(tokens.access_token)).toMatchObject({ alg: 'RS256', typ: 'at+jwt' });
    expect(decodeJwt(tokens.access_token)).toMatchObject({
      sub: account.id,
      client_id: client.id,
      aud: `${server.issuer}/oauth2/userinfo`,
    });
    expect(await party.userinfo(tokens.access_token, account.id)).toMatchObject({
      email: account.email,
      name: 'Ada Lovelace',
    });
    expect(await party.introspect(tokens.access_token)).toMatchObject({ active: true, sub: account.id });
    const refreshed = await party.refresh(tokens.refresh_token ?? '');
    expect(refreshed.refresh_token).not.toBe(tokens.refresh_token);
  });
});
