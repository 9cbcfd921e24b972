import type { Seconds } from '../lib/duration.ts';
import { SIGNING_ALGORITHMS, type SigningAlgorithm } from '../lib/signing-algorithm.ts';
import { LONGEST_ACCESS_TOKEN, SHORTEST_API_TOKEN } from '../lib/token-lifetime.ts';

export { SIGNING_ALGORITHMS, type SigningAlgorithm };

/** How an API wants its tokens bound to a key of whoever uses them. */
export const SENDER_CONSTRAINTS = ['none', 'any', 'dpop', 'mtls'] as const;
export type SenderConstraint = (typeof SENDER_CONSTRAINTS)[number];

/** What an API lays down for the tokens that are made for it. */
export interface ApiSettings {
  /** Null: that of every other token. */
  tokenLifetime: Seconds | null;
  signingAlgorithm: SigningAlgorithm;
  /** Applications may get a refresh token for it. */
  refresh: boolean;
  senderConstrained: SenderConstraint;
  /** What a person may do there: all that the application asks for and the person consents to, or what roles give. */
  permissionsBy: 'consent' | 'role';
  /** What its permissions mean, for people who are asked for consent. */
  permissionTexts: Record<string, string>;
}

const MOST_PERMISSIONS = 200;
const TEXT = /^[^\p{C}]{1,200}$/u;

/** @param reserved scopes that say something else everywhere */
export function apiProblems(
  { scopes, api: { tokenLifetime, permissionTexts } }: { scopes: string[]; api: ApiSettings },
  reserved: readonly string[],
): string[] {
  const texts = Object.entries(permissionTexts);
  return [
    ...(scopes.length > MOST_PERMISSIONS ? [`an API has ${MOST_PERMISSIONS} permissions at most`] : []),
    ...scopes
      .filter((scope) => reserved.includes(scope))
      .map((scope) => `--permission: "${scope}" is a scope of OpenID Connect, and no permission of an API`),
    ...scopes.filter((scope) => scope.length > 100).map(() => '--permission: a name has 100 characters at most'),
    ...texts
      .filter(([, text]) => !TEXT.test(text))
      .map(([scope]) => `--permission ${scope}: its text has 1 to 200 visible characters`),
    ...(tokenLifetime === null || isLifetime(tokenLifetime) ? [] : ['--token-lifetime is from 30s to 24h']),
  ];
}

export const DEFAULT_API: ApiSettings = {
  tokenLifetime: null,
  signingAlgorithm: 'RS256',
  refresh: true,
  senderConstrained: 'none',
  permissionsBy: 'consent',
  permissionTexts: {},
};

function isLifetime(given: Seconds): boolean {
  return Number.isInteger(given) && given >= SHORTEST_API_TOKEN && given <= LONGEST_ACCESS_TOKEN;
}
