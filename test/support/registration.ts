import { BY_OPERATOR } from '../../src/lib/by.ts';
import { HOUR, toMilliseconds } from '../../src/lib/duration.ts';
import { newId } from '../../src/lib/ids.ts';
import { DEFAULT_POLICY, type RegistrationPolicy } from '../../src/registration/policy.ts';
import { issueInitialAccessToken } from '../../src/registration/token.ts';
import { answerOf, bearer } from './endpoint.ts';
import type { TestServer } from './server.ts';

type Server = Pick<TestServer, 'issuer'>;
export type Registered = Record<string, unknown> & {
  client_id: string;
  client_secret?: string;
  registration_access_token: string;
  registration_client_uri: string;
};

/** What an operator gives to whoever may register. */
export async function aRegistrationToken(
  server: Pick<TestServer, 'app'>,
  policy: Partial<RegistrationPolicy> = {},
  usesLeft: number | null = null,
): Promise<{ id: string; token: string }> {
  const id = newId('rgt');
  const { token, tokenHash } = issueInitialAccessToken();
  const expiresAt = Date.now() + toMilliseconds(HOUR);
  const made = { id, name: 'CI', policy: { ...DEFAULT_POLICY, ...policy }, expiresAt, usesLeft };
  await server.app.stores.registrationTokens.create(made, tokenHash, BY_OPERATOR);
  return { id, token };
}

/** One request as it stands, without a library in between. A text is sent as it is. */
export async function ask(
  { issuer }: Server,
  method: string,
  path: string,
  body: unknown = null,
  headers: Record<string, string> = {},
) {
  const sent = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(new URL(path, issuer), {
    ...{ method, redirect: 'manual', ...(body !== null && { body: sent }) },
    headers: { accept: 'application/json', ...(body !== null && { 'content-type': 'application/json' }), ...headers },
  });
  return answerOf(response);
}

/** @param token null: none is presented */
export function register(server: Server, body: unknown, token: string | null, headers: Record<string, string> = {}) {
  return ask(server, 'POST', '/oauth2/register', body, { ...(token !== null && bearer(token)), ...headers });
}

export const CALLED_BACK = 'https://notes.example.org/callback';

export async function registered(server: Server, token: string | null, some: object = {}): Promise<Registered> {
  const metadata = { client_name: 'Meadow Notes', redirect_uris: [CALLED_BACK], ...some };
  const { status, body } = await register(server, metadata, token);
  if (status !== 201) throw new Error(`not registered: ${JSON.stringify(body)}`);
  return body as Registered;
}

export function manage(server: Server, method: string, client: Registered, body: unknown = null, token?: string) {
  const own = token ?? client.registration_access_token;
  return ask(server, method, `/oauth2/register/${client.client_id}`, body, bearer(own));
}

/** As it would be sent back, with what the client may say. */
export function own({ ...client }: Registered): Record<string, unknown> & { client_id: string } {
  for (const name of ['client_id_issued_at', 'client_secret', 'client_secret_expires_at']) delete client[name];
  const { registration_access_token: _, registration_client_uri: __, ...rest } = client;
  return rest as { client_id: string };
}
