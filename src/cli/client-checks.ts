import { isWithin, offeredLevels } from '../assurance/demand.ts';
import type { Client, ClientSettings } from '../clients/client.ts';
import type { ClientStore } from '../clients/store.ts';
import { clientProblems } from '../clients/validate.ts';
import type { Config } from '../config/config.ts';
import { ACCOUNT_CLIENT } from '../oidc/account-client.ts';
import { API_KEY_CLIENT } from '../oidc/api-key-client.ts';
import { ROUTES } from '../oidc/routes.ts';
import type { Stores } from '../store/open.ts';
import { Failure } from './failure.ts';
import type { Output } from './output.ts';

/** @throws {Failure} */
export async function existingClient(clients: ClientStore, id: string): Promise<Client> {
  const client = await clients.find(id);
  if (!client) throw new Failure(`there is no client ${id}: npx gatewright client list shows those there are`);
  return client;
}

/** @throws {Failure} with every problem, so that all are mended in one pass */
export function checkClient(...checked: Parameters<typeof clientProblems>): void {
  const problems = clientProblems(...checked);
  const what = checked[0].type === 'resource' ? 'API' : 'client';
  if (problems.length > 0) throw new Failure(`the ${what} cannot be registered like this`, problems);
}

/** @throws {Failure} for what goes by that id without being in any table */
export function checkId(id: string): void {
  if (id !== ACCOUNT_CLIENT && id !== API_KEY_CLIENT) return;
  throw new Failure(`${id} is this server itself: choose another --id`);
}

/** Tokens for userinfo are for this server: an API by that name could introspect those of everybody. @throws {Failure} */
export function checkAudience({ audience }: Pick<Client, 'audience'>, { issuer }: Pick<Config, 'issuer'>): void {
  if (audience !== issuer + ROUTES.userinfo) return;
  throw new Failure(`${audience} is this server itself: choose another --audience`);
}

/** An API may be registered after the clients that ask for it, so that this is no mistake yet. */
export async function warnOfUnknownAudiences(
  clients: ClientStore,
  { audiences }: ClientSettings,
  out: Output,
): Promise<void> {
  if (audiences.length === 0) return;
  const known = new Set((await clients.list()).map(({ audience }) => audience));
  for (const audience of audiences.filter((each) => !known.has(each))) {
    out.warn(`no API is registered as ${audience} yet: npx gatewright api create --audience ${audience} …`);
  }
}

/** The configuration may change after the client: nobody signs in to it until one of them does. */
export function warnOfUnreachableLevel(
  { minimumLevel }: ClientSettings,
  { levels }: Pick<Config, 'levels'>,
  out: Output,
) {
  if (isWithin(minimumLevel, offeredLevels(levels))) return;
  out.warn(`nobody can sign in to it: ${minimumLevel} needs passkeys, and PASSKEYS is off`);
}

/** Whoever closes an application sees at once who is left. */
export async function warnOfEmptyList(
  { listedAccounts }: Stores,
  { id, settings }: Client,
  out: Output,
): Promise<void> {
  if (settings.accounts === 'everyone' || (await listedAccounts.ofClient(id)).length > 0) return;
  out.warn(`nobody can sign in to it before npx gatewright client allow ${id} ACCOUNT`);
}

/** Whether the client proves itself with a secret that we issue. */
export function usesSecret({ authMethod }: ClientSettings): boolean {
  return authMethod === 'client_secret_basic' || authMethod === 'client_secret_post';
}
