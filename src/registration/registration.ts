import type { Client } from '../clients/client.ts';
import { clientSecretHash, issueClientSecret } from '../clients/secrets.ts';
import type { By } from '../lib/by.ts';
import type { Clock } from '../lib/clock.ts';
import { DAY, toMilliseconds } from '../lib/duration.ts';
import { newId } from '../lib/ids.ts';
import { readMetadata } from './asked.ts';
import { metadataOf } from './metadata.ts';
import { DEFAULT_POLICY } from './policy.ts';
import { invalidMetadata, RegistrationRefusal } from './refusal.ts';
import type { ManagedClient, RegistrationStore, RegistrationTokenStore } from './store.ts';
import { issueRegistrationAccessToken, type RegistrationToken, registrationTokenHash } from './token.ts';
import { type Surroundings, wantedClient } from './wanted-client.ts';

export interface RegistrationDeps extends Surroundings {
  registrations: RegistrationStore;
  registrationTokens: RegistrationTokenStore;
  /** What the addresses of registrations begin with. */
  endpoint: string;
  /** Whether one needs a token; and how many that needed none may wait for their first user. */
  registration: { mode: 'off' | 'token' | 'open'; mostUnused: number };
  clock: Clock;
}

type Body = Record<string, unknown>;
type Visitor = (actor: string) => By;
export type Registration = ReturnType<typeof createRegistration>;

/** Whoever registers openly has this long to be used for the first time. */
const UNUSED = toMilliseconds(DAY);
/** An operator's change in between has it decided anew. */
const MOST_TRIES = 3;
/** RFC 7592 2.2: the server alone says these. */
const OURS = [
  ...['registration_access_token', 'registration_client_uri'],
  ...['client_secret_expires_at', 'client_id_issued_at'],
];

/** Dynamic client registration (RFC 7591) and its management (RFC 7592). */
export function createRegistration(deps: RegistrationDeps) {
  const { registrations, registrationTokens, endpoint, registration, clock } = deps;

  async function tokenBehind(presented: string | null): Promise<RegistrationToken | null> {
    if (presented === null && registration.mode === 'open') return null;
    const token = presented === null ? null : await registrationTokens.usable(registrationTokenHash(presented));
    if (!token) throw notAuthorized('an initial access token of the operator is needed, which is unspent');
    return token;
  }

  function answer(client: Client, secret: string | null, accessToken: string | null): Body {
    return {
      client_id: client.id,
      client_id_issued_at: Math.floor(client.createdAt / 1000),
      ...(secret !== null && { client_secret: secret, client_secret_expires_at: 0 }),
      ...(accessToken !== null && { registration_access_token: accessToken }),
      registration_client_uri: `${endpoint}/${client.id}`,
      ...metadataOf(client),
    };
  }

  /** The same work for whatever is wrong: no such client, another's token, disabled by the operator. */
  async function managed(clientId: string, presented: string | null): Promise<ManagedClient & { tokenHash: string }> {
    const tokenHash = registrationTokenHash(presented ?? '');
    // PostgreSQL looks for no text with NUL in it.
    const found = await registrations.managed(clientId.replaceAll('\0', ''), tokenHash);
    if (presented === null || !found) throw notAuthorized('the registration access token of this client is needed');
    return { ...found, tokenHash };
  }

  async function policyOf({ registeredBy }: Client) {
    const byToken = registeredBy === null ? null : await registrationTokens.policyOf(registeredBy);
    return byToken ?? DEFAULT_POLICY;
  }

  return {
    async register(body: Body, presented: string | null, by: Visitor): Promise<Body> {
      const token = await tokenBehind(presented);
      const client = wantedClient(newId('cli'), readMetadata(body), token?.policy ?? DEFAULT_POLICY, null, deps);
      const issued = usesSecret(client.settings.authMethod) ? issueClientSecret() : null;
      const access = issueRegistrationAccessToken();
      const hashes = { secretHash: issued?.secretHash ?? null, accessTokenHash: access.tokenHash };
      const limits = { mostUnused: registration.mostUnused, unusedSince: clock() - UNUSED };
      const outcome = token
        ? await registrations.registerByToken(client, hashes, token.id, by(token.id))
        : await registrations.registerOpenly(client, hashes, limits, by('visitor'));
      if (outcome === 'spent') throw notAuthorized('the initial access token has no uses left');
      if (outcome === 'full') {
        const why = 'too many applications wait for their first user: try again tomorrow, or ask the operator';
        throw new RegistrationRefusal('temporarily_unavailable', why);
      }
      const { client: stored } = await managed(client.id, access.token);
      return answer(stored, issued?.secret ?? null, access.token);
    },

    async read(clientId: string, presented: string | null): Promise<Body> {
      const { client } = await managed(clientId, presented);
      return answer(client, null, null);
    },

    /** RFC 7592 2.2: what is not said is taken away. The registration access token is spent, and another is given. */
    async replace(clientId: string, body: Body, presented: string | null, by: Visitor): Promise<Body> {
      for (let tries = 0; tries < MOST_TRIES; tries += 1) {
        const { client: before, secretHashes, tokenHash } = await managed(clientId, presented);
        checkOwn(body, before.id, secretHashes);
        const { name, settings } = wantedClient(before.id, readMetadata(body), await policyOf(before), before, deps);
        const needsSecret = usesSecret(settings.authMethod);
        const issued = needsSecret && secretHashes.length === 0 ? issueClientSecret() : null;
        const access = issueRegistrationAccessToken();
        const changed = await registrations.replace(
          before,
          tokenHash,
          {
            ...{ name, settings, secretHash: issued?.secretHash ?? null, accessTokenHash: access.tokenHash },
            dropsSecrets: !needsSecret,
            // People have allowed what went by that name to those addresses.
            asksAgain:
              name !== before.name || settings.redirectUris.some((uri) => !before.settings.redirectUris.includes(uri)),
          },
          by(before.id),
        );
        if (!changed) continue;
        const { client } = await managed(clientId, access.token);
        return answer(client, issued?.secret ?? null, access.token);
      }
      throw new RegistrationRefusal('temporarily_unavailable', 'the registration is being changed: try again');
    },

    async remove(clientId: string, presented: string | null, by: Visitor): Promise<void> {
      const { client, tokenHash } = await managed(clientId, presented);
      if (!(await registrations.delete(client.id, tokenHash, by(client.id)))) {
        throw notAuthorized('the registration access token of this client is needed');
      }
    },
  };
}

function checkOwn(body: Body, clientId: string, secretHashes: string[]): void {
  const stated = (name: string) => body[name] ?? null;
  if (stated('client_id') !== clientId) throw invalidMetadata('client_id must be that of the registration');
  const ours = OURS.find((name) => stated(name) !== null);
  if (ours) throw invalidMetadata(`${ours} is not the client's to say: leave it out`);
  const secret = stated('client_secret');
  if (secret !== null && !(typeof secret === 'string' && secretHashes.includes(clientSecretHash(secret)))) {
    throw invalidMetadata('client_secret is not the one that was issued: leave it out');
  }
}

function usesSecret(authMethod: string): boolean {
  return authMethod === 'client_secret_basic' || authMethod === 'client_secret_post';
}

function notAuthorized(description: string): RegistrationRefusal {
  return new RegistrationRefusal('invalid_token', description);
}
