import type { TokenEndpointResponse, TokenEndpointResponseHelpers } from 'openid-client';
import type { Account } from '../../src/accounts/account.ts';
import type { ClientType } from '../../src/clients/client.ts';
import { type Authorization, CALLBACK, createRelyingParty, type RelyingParty } from './relying-party.ts';
import type { AddAccount, AddClient, Site, TestClient } from './seed.ts';
import { signIn } from './sign-in.ts';
import { createUserAgent, type Page, type UserAgent } from './user-agent.ts';

/** One person with one browser at one application. */
export interface Visit {
  account: Account;
  totpSecret: string | undefined;
  client: TestClient;
  party: RelyingParty;
  agent: UserAgent;
}

export type Tokens = TokenEndpointResponse & TokenEndpointResponseHelpers;

export interface VisitOptions extends AddClient {
  type?: ClientType;
  person?: AddAccount;
  /** Where the person or the browser is one that was here before. */
  account?: Account;
  agent?: UserAgent;
}

/** Nobody is signed in yet. People are not asked for consent, unless `firstParty` is false. */
export async function visit(
  server: Site,
  { type = 'web', person = {}, account, agent, ...settings }: VisitOptions = {},
): Promise<Visit> {
  const firstParty = type === 'web';
  const client = await server.addClient(type, { redirectUris: [CALLBACK], firstParty, ...settings });
  return {
    account: account ?? (await server.addAccount(person)),
    totpSecret: person.totpSecret,
    client,
    party: await createRelyingParty(server, client),
    agent: agent ?? createUserAgent(server.issuer),
  };
}

/** Goes to the authorization endpoint and as far as that leads. */
export async function ask(
  { party, agent }: Pick<Visit, 'party' | 'agent'>,
  parameters: Record<string, string> = {},
): Promise<{ authorization: Authorization; page: Page }> {
  const authorization = await party.authorization(parameters);
  return { authorization, page: await agent.follow(authorization.url) };
}

/** Signs in with all that the person has, allows what is asked for, and redeems the code. */
export async function enter(
  { account, totpSecret, party, agent }: Visit,
  parameters: Record<string, string> = {},
): Promise<Tokens> {
  const { authorization, page } = await ask({ party, agent }, parameters);
  const back = await signIn(agent, page, account, totpSecret ? { totpSecret } : {});
  return party.redeem(back, authorization);
}

/** With the session that is there; fails where a page is shown. */
export async function again(person: Pick<Visit, 'party' | 'agent'>, parameters: Record<string, string> = {}) {
  const { authorization, page } = await ask(person, parameters);
  return person.party.redeem(page, authorization);
}

export interface Told {
  code?: string;
  error?: string;
  error_description?: string;
  state?: string;
  iss?: string;
}

/** What the application is told at its redirect address. */
export function told(page: Pick<Page, 'url' | 'status'>): Told {
  if (!page.url.startsWith(CALLBACK)) throw new Error(`still at ${page.url} (${page.status})`);
  return Object.fromEntries(new URL(page.url).searchParams);
}

/** Which page of the sign-in it is: the last part of its form's address. */
export function stepOf(page: Page): string | undefined {
  return page.forms
    .map(({ action }) => /^\/interaction\/[^/]+\/([^/]+)$/.exec(action)?.[1])
    .find((step) => step !== 'cancel' && step !== 'switch');
}
