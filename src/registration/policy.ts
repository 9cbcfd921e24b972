import type { Level } from '../assurance/level.ts';
import type { AuthMethod, ClientType } from '../clients/client.ts';

/** An API is never registered but by an operator: tokens of others would be made for it. */
export const REGISTRABLE_TYPES = ['web', 'spa', 'native', 'service'] as const satisfies readonly ClientType[];
export type RegistrableType = (typeof REGISTRABLE_TYPES)[number];

/** Certificates are matched by names that an operator has checked. */
export const REGISTRABLE_AUTH_METHODS = [
  ...(['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'] as const),
] as const satisfies readonly AuthMethod[];

/** What an application may make of itself. */
export interface RegistrationPolicy {
  types: RegistrableType[];
  authMethods: AuthMethod[];
  /** What it may ask for, and what it gets where it names nothing. */
  scopes: string[];
  /** The APIs that each of them may name; the first is its default. */
  audiences: string[];
  /** Hosts that people may be sent to, `*.` before one for all below it. Empty: any. */
  redirectHosts: string[];
  /** For devices without a browser. People can be talked into connecting one that is not theirs (RFC 8628 5.4). */
  deviceGrant: boolean;
  minimumLevel: Level;
}

export const DEFAULT_POLICY: RegistrationPolicy = {
  types: ['web', 'spa', 'native'],
  authMethods: [...REGISTRABLE_AUTH_METHODS],
  scopes: ['openid', 'profile', 'email'],
  audiences: [],
  redirectHosts: [],
  deviceGrant: false,
  minimumLevel: 'one-factor',
};

/** A host by its name, or all below one. */
export function isHostPattern(text: string): boolean {
  return /^(\[::1\]|(\*\.[a-z0-9-]+\.|)[a-z0-9-]+(\.[a-z0-9-]+)*)$/.test(text);
}

export function isAllowedHost({ redirectHosts }: RegistrationPolicy, host: string): boolean {
  return redirectHosts.some((allowed) =>
    allowed.startsWith('*.') ? host.endsWith(allowed.slice(1)) && host.length >= allowed.length : host === allowed,
  );
}

/** As it was stored, perhaps before there was all that there is today. */
export function readPolicy(stored: string): RegistrationPolicy {
  return { ...DEFAULT_POLICY, ...(JSON.parse(stored) as Partial<RegistrationPolicy>) };
}
