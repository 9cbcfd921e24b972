import { DAY, type Milliseconds, type Seconds } from '../lib/duration.ts';

/** What a machine without OAuth speaks to one API with. It acts as the service client that it belongs to. */
export interface ApiKey {
  id: string;
  /** What the operator calls it. */
  name: string;
  /** Whose it is. */
  clientId: string;
  /** The client id of the API. */
  apiId: string;
  /** The most that it gives. What the client or the API has lost since is not among what it gives today. */
  permissions: string[];
  createdAt: Milliseconds;
  /** Null: does not expire. */
  expiresAt: Milliseconds | null;
  /** To within a minute. */
  lastUsedAt: Milliseconds | null;
  revokedAt: Milliseconds | null;
  /** The key that takes its place. */
  replacedBy: string | null;
}

export type ApiKeyState = 'active' | 'replaced' | 'expired' | 'revoked';

export const DEFAULT_LIFETIME: Seconds = 365 * DAY;
/** A key that is to last for longer is one that does not expire. */
export const LONGEST_LIFETIME: Seconds = 10 * 365 * DAY;
export const LONGEST_OVERLAP: Seconds = 90 * DAY;

/** `replaced`: it works on until it expires, beside the key that takes its place. */
export function stateOf({ revokedAt, expiresAt, replacedBy }: ApiKey, now: Milliseconds): ApiKeyState {
  if (revokedAt !== null) return 'revoked';
  if (expiresAt !== null && expiresAt <= now) return 'expired';
  return replacedBy === null ? 'active' : 'replaced';
}

/** Every problem of a key that is to be made, each a sentence that names the option to mend. */
export function apiKeyProblems({ name, permissions }: Pick<ApiKey, 'name' | 'permissions'>, known: string[]): string[] {
  const unknown = permissions.filter((permission) => !known.includes(permission));
  return [
    ...(/^[^\p{C}]{1,100}$/u.test(name) && name.trim() !== '' ? [] : ['--name must have 1 to 100 visible characters']),
    ...(permissions.length > 0 ? [] : ['--permission is missing: a key without any gives nothing']),
    ...unknown.map(
      (permission) => `--permission: the API has no "${permission}"; it has ${known.join(', ') || 'none'}`,
    ),
  ];
}
