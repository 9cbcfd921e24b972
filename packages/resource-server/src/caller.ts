import type { Scheme } from './challenge.ts';
import { invalidToken } from './problem.ts';

/** Who calls, as the access token says (RFC 9068 2.2). */
export interface Caller {
  /** Whose data this is: a person, or the client itself where it came on its own behalf; then it equals `clientId`. */
  sub: string;
  clientId: string;
  /** What client, person and consent all allow: the words of `scope`. */
  permissions: readonly string[];
  /** The person's roles at this API (RFC 9068 2.2.3.1). */
  roles: readonly string[];
  /** How strongly the person signed in; null for a client on its own behalf. */
  acr: string | null;
  amr: readonly string[];
  /** When the person signed in, in seconds since the epoch. */
  authTime: number | null;
  /** When the token ends, in seconds since the epoch; null where an introspection does not say. */
  expiresAt: number | null;
  /** How the token was presented. */
  scheme: Scheme;
  /** Where the document about this API is (RFC 9728), for challenges. */
  resourceMetadata: string | null;
  /** Everything that the token, or the introspection, says. */
  claims: Readonly<Record<string, unknown>>;
}

export type Claims = Record<string, unknown>;

/** @throws {Problem} where the token names no client, or nobody at all. */
export function callerFrom(claims: Claims, presented: { scheme: Scheme; resourceMetadata: string | null }): Caller {
  const { sub, client_id: clientId, scope, roles, acr, amr, auth_time: authTime, exp } = claims;
  if (!isName(clientId)) throw invalidToken('The access token names no client');
  if (!isName(sub)) throw invalidToken('The access token names no subject');
  return {
    sub,
    clientId,
    permissions: typeof scope === 'string' ? scope.split(' ').filter(Boolean) : [],
    roles: strings(roles),
    acr: typeof acr === 'string' ? acr : null,
    amr: strings(amr),
    authTime: typeof authTime === 'number' ? authTime : null,
    expiresAt: typeof exp === 'number' ? exp : null,
    scheme: presented.scheme,
    resourceMetadata: presented.resourceMetadata,
    claims,
  };
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}
