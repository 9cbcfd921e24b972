import type { Seconds } from '../lib/duration.ts';

/** How an API wants its tokens bound to a key of whoever uses them. */
export const SENDER_CONSTRAINTS = ['none', 'any', 'dpop', 'mtls'] as const;
export type SenderConstraint = (typeof SENDER_CONSTRAINTS)[number];

/** By which an API's tokens are signed (RFC 7518 3.1, RFC 9864). Every installation has RS256. */
export const SIGNING_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'Ed25519'] as const;
export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number];

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

export const DEFAULT_API: ApiSettings = {
  tokenLifetime: null,
  signingAlgorithm: 'RS256',
  refresh: true,
  senderConstrained: 'none',
  permissionsBy: 'consent',
  permissionTexts: {},
};
