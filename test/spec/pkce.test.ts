import * as client from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { basic, post } from '../support/endpoint.ts';
import { CALLBACK } from '../support/relying-party.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { signIn } from '../support/sign-in.ts';
import { again, ask, enter, told, type Visit, visit } from '../support/visit.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ SECOND_FACTOR: 'optional' });
});
afterAll(() => server[Symbol.asyncDispose]());

/** Without what the relying party would add by itself. */
function requestOf(person: Visit, parameters: Record<string, string> = {}): string {
  const { issuer } = server;
  const all = {
    response_type: 'code',
    client_id: person.client.id,
    redirect_uri: CALLBACK,
    scope: 'openid',
    ...parameters,
  };
  return `${issuer}/oauth2/authorize?${new URLSearchParams(all)}`;
}

function redeem(
  { client: { id, secret, settings } }: Visit,
  code: string | undefined,
  parameters: Record<string, string>,
) {
  const isPublic = settings.authMethod === 'none';
  return post(
    server,
    '/oauth2/token',
    {
      grant_type: 'authorization_code',
      code: code ?? '',
      redirect_uri: CALLBACK,
      ...(isPublic && { client_id: id }),
      ...parameters,
    },
    isPublic ? {} : basic({ id, secret }),
  );
}

describe('PKCE (RFC 7636, RFC 9700 2.1.1)', () => {
  it.each(['web', 'spa', 'native'] as const)('a %s client must send a challenge', async (type) => {
    const person = await visit(server, { type });
    const page = await person.agent.follow(requestOf(person));
    expect(told(page)).toMatchObject({ error: 'invalid_request', error_description: expect.stringContaining('PKCE') });
  });

  it.each(['web', 'spa', 'native'] as const)(
    'a %s client must not use the plain method, named or not',
    async (type) => {
      const person = await visit(server, { type });
      const challenge = { code_challenge: client.randomPKCECodeVerifier() };
      for (const parameters of [challenge, { ...challenge, code_challenge_method: 'plain' }]) {
        expect(told(await person.agent.follow(requestOf(person, parameters)))).toMatchObject({
          error: 'invalid_request',
        });
      }
    },
  );

  it.each(['web', 'spa'] as const)('a %s client gets nothing for a wrong verifier or none', async (type) => {
    const person = await visit(server, { type });
    await enter(person);
    const other = client.randomPKCECodeVerifier();
    for (const parameters of [{}, { code_verifier: other }, { code_verifier: 'short' }] as Record<string, string>[]) {
      const { page } = await ask(person);
      const answer = await redeem(person, told(page).code, parameters);
      expect(answer.status).toBe(400);
      expect(['invalid_grant', 'invalid_request']).toContain(answer.body.error);
      expect(answer.body.access_token).toBeUndefined();
    }
  });

  it('a code is of no use at another redirect address or to another client', async () => {
    const person = await visit(server);
    await enter(person);
    const { authorization, page } = await ask(person);
    const verifier = { code_verifier: authorization.codeVerifier };
    const elsewhere = await redeem(person, told(page).code, { ...verifier, redirect_uri: 'http://localhost:9/other' });
    expect(elsewhere).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });

    const next = await ask(person);
    const thief = await visit(server);
    const stolen = await redeem(thief, told(next.page).code, { code_verifier: next.authorization.codeVerifier });
    expect(stolen).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });

  describe('for a confidential client that the operator exempted', () => {
    it('is not asked for', async () => {
      const person = await visit(server, { pkceRequired: false });
      const page = await person.agent.follow(requestOf(person, { nonce: 'n-0S6_WzA2Mj' }));
      const back = await signIn(person.agent, page, person.account);
      expect(await redeem(person, told(back).code, {})).toMatchObject({ status: 200 });
    });

    it('still counts where it is sent: the verifier cannot be left out', async () => {
      const person = await visit(server, { pkceRequired: false });
      await enter(person);
      const { page } = await ask(person);
      expect(await redeem(person, told(page).code, {})).toMatchObject({
        status: 400,
        body: { error: 'invalid_grant' },
      });
    });

    it('cannot be taken away on the way: a verifier without a challenge is refused (RFC 9700 2.1.1)', async () => {
      const person = await visit(server, { pkceRequired: false });
      await enter(person);
      const stripped = await person.agent.follow(requestOf(person));
      const code_verifier = client.randomPKCECodeVerifier();
      const answer = await redeem(person, told(stripped).code, { code_verifier });
      expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    });
  });

  it('never makes a public client exempt, whatever its settings say', async () => {
    const person = await visit(server, { type: 'spa', pkceRequired: false });
    expect(told(await person.agent.follow(requestOf(person)))).toMatchObject({ error: 'invalid_request' });
  });

  it('works with a library that we did not write', async () => {
    const person = await visit(server, { type: 'spa' });
    await enter(person);
    expect((await again(person)).claims()?.sub).toBe(person.account.id);
  });
});
