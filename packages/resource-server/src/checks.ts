import type { Caller } from './caller.ts';
import { challenge } from './challenge.ts';
import type { RefusalCode } from './problem.ts';
import { Refusal } from './refusal.ts';

/** All of these permissions. @throws {Refusal} 403 insufficient_scope, which names them (RFC 6750 3.1). */
export function requirePermission(caller: Caller, ...permissions: [string, ...string[]]): Caller {
  const lacking = permissions.filter((permission) => !caller.permissions.includes(permission));
  if (lacking.length > 0) {
    const scope = permissions.join(' ');
    throw refusal(caller, 'insufficient_scope', `The access token lacks ${lacking.join(' ')}`, { scope });
  }
  return caller;
}

/** One of these roles. @throws {Refusal} 403 insufficient_scope. */
export function requireRole(caller: Caller, ...roles: [string, ...string[]]): Caller {
  if (!roles.some((role) => caller.roles.includes(role)))
    throw refusal(caller, 'insufficient_scope', `This needs the role ${roles.join(' or ')}`, {});
  return caller;
}

/**
 * The person signed in at most `maxAge` seconds ago, by the claims of the token: a refresh does not make it younger.
 * @throws {Refusal} 401 insufficient_user_authentication with max_age (RFC 9470 3)
 */
export function requireFreshAuth(caller: Caller, maxAge: number): Caller {
  const age = caller.authTime === null ? Number.POSITIVE_INFINITY : Date.now() / 1000 - caller.authTime;
  // Written so that what is no number is refused.
  if (!(age <= maxAge)) {
    const description = 'A more recent sign-in is needed';
    throw refusal(caller, 'insufficient_user_authentication', description, { max_age: String(maxAge) });
  }
  return caller;
}

/**
 * One of these levels: name every one that is good enough, the one to ask for first.
 * @throws {Refusal} 401 insufficient_user_authentication with acr_values (RFC 9470 3)
 */
export function requireAcr(caller: Caller, ...acceptable: [string, ...string[]]): Caller {
  if (caller.acr === null || !acceptable.includes(caller.acr)) {
    const description = 'A stronger sign-in is needed';
    throw refusal(caller, 'insufficient_user_authentication', description, { acr_values: acceptable.join(' ') });
  }
  return caller;
}

function refusal(
  { scheme, resourceMetadata }: Caller,
  error: RefusalCode,
  description: string,
  more: Record<string, string>,
): Refusal {
  const parameters = { error, error_description: description, ...more };
  const said = challenge(scheme, { ...parameters, resource_metadata: resourceMetadata ?? undefined });
  return new Refusal(error, description, { 'WWW-Authenticate': said });
}
