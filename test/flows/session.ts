import type { TokenEndpointResponse } from 'openid-client';
import type { Account } from '../../src/accounts/account.ts';
import { CALLBACK, createRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import type { AddClient, Site, TestClient } from '../support/seed.ts';
import { signIn } from '../support/sign-in.ts';
import { createUserAgent, type UserAgent } from '../support/user-agent.ts';

/** Somebody who is signed in at an application. */
export interface SignedIn {
  account: Account;
  client: TestClient;
  party: RelyingParty;
  agent: UserAgent;
  tokens: TokenEndpointResponse;
}

export async function signedIn(
  server: Site,
  { scope = 'openid', prompt, ...settings }: AddClient & { scope?: string; prompt?: string } = {},
): Promise<SignedIn> {
  const account = await server.addAccount();
  const client = await server.addClient('web', { redirectUris: [CALLBACK], ...settings });
  const party = await createRelyingParty(server, client);
  const agent = createUserAgent(server.issuer);
  const authorization = await party.authorization({ scope, ...(prompt && { prompt }) });
  const back = await signIn(agent, await agent.follow(authorization.url), account);
  return { account, client, party, agent, tokens: await party.redeem(back, authorization) };
}

/** A new code for a browser that is signed in already. */
export async function freshCode({ party, agent }: Pick<SignedIn, 'party' | 'agent'>, parameters = {}) {
  const authorization = await party.authorization(parameters);
  const back = await agent.follow(authorization.url);
  const code = new URL(back.url).searchParams.get('code');
  if (!code) throw new Error(`no code: ${back.url} ${back.status}`);
  return { authorization, back, code };
}

export interface TokenAnswer {
  status: number;
  body: Record<string, string>;
}

/** The token endpoint without a library in between, to see the bare answer. */
export async function askForTokens(
  server: Site,
  client: Pick<TestClient, 'id' | 'secret'>,
  parameters: Record<string, string>,
): Promise<TokenAnswer> {
  const response = await fetch(`${server.issuer}/oauth2/token`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString('base64')}`,
    },
    body: new URLSearchParams(parameters).toString(),
  });
  return { status: response.status, body: (await response.json()) as Record<string, string> };
}

/** What userinfo and introspection say of an access token. */
export async function isAlive(
  server: Site,
  { party }: Pick<SignedIn, 'party'>,
  accessToken: string,
): Promise<{ userinfo: number; active: boolean }> {
  const headers = { authorization: `Bearer ${accessToken}` };
  const { status } = await fetch(`${server.issuer}/oauth2/userinfo`, { headers });
  return { userinfo: status, active: (await party.introspect(accessToken)).active };
}

export const ALIVE = { userinfo: 200, active: true };
export const DEAD = { userinfo: 401, active: false };
