import type { Milliseconds } from '../lib/duration.ts';
import { sha256 } from '../lib/hash.ts';
import { newSecret } from '../lib/ids.ts';
import type { RegistrationPolicy } from './policy.ts';

/** What lets applications register themselves (an initial access token, RFC 7591 1.2). */
export interface RegistrationToken {
  id: string;
  name: string;
  policy: RegistrationPolicy;
  createdAt: Milliseconds;
  expiresAt: Milliseconds;
  /** How many may still be registered. Null: any number. */
  usesLeft: number | null;
  revokedAt: Milliseconds | null;
}

/** `registeredBy` of those that needed no token. */
export const OPENLY = 'open';

/** Both kinds are 256 random bits, so that a plain hash keeps them. */
export function issueInitialAccessToken(): { token: string; tokenHash: string } {
  return issue('gwi');
}

/** By which a client manages its own registration (RFC 7592 1.2). */
export function issueRegistrationAccessToken(): { token: string; tokenHash: string } {
  return issue('gwm');
}

export function registrationTokenHash(token: string): string {
  return sha256(token);
}

function issue(prefix: string): { token: string; tokenHash: string } {
  const token = newSecret(prefix);
  return { token, tokenHash: registrationTokenHash(token) };
}
