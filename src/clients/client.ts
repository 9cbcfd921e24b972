import type { Level } from '../assurance/level.ts';
import type { Milliseconds } from '../lib/duration.ts';
import { type ApiSettings, DEFAULT_API } from './api.ts';

/**
 * - `web`: an application with a server of its own that keeps a secret
 * - `spa`: an application in the browser, public
 * - `native`: an application on a device, public (RFC 8252)
 * - `service`: a machine that acts for itself (client credentials)
 * - `resource`: an API (RFC 8707): tokens are made for its audience, and it may introspect them
 */
export const CLIENT_TYPES = ['web', 'spa', 'native', 'service', 'resource'] as const;
export type ClientType = (typeof CLIENT_TYPES)[number];
export type ClientStatus = 'active' | 'disabled';

export const AUTH_METHODS = [
  ...(['client_secret_basic', 'client_secret_post', 'private_key_jwt'] as const),
  ...(['tls_client_auth', 'self_signed_tls_client_auth', 'none'] as const),
] as const;
export type AuthMethod = (typeof AUTH_METHODS)[number];

/** A client's certificate, of a public key infrastructure: what it must say of its holder (RFC 8705 2.1.2). */
export interface CertificateSubject {
  by: 'subject_dn' | 'san_dns' | 'san_uri' | 'san_ip' | 'san_email';
  value: string;
}

export interface ClientSettings {
  redirectUris: string[];
  postLogoutRedirectUris: string[];
  backchannelLogoutUri: string | null;
  authMethod: AuthMethod;
  /** What it may ask for; for an API: the scopes that it knows. */
  scopes: string[];
  /** The APIs it may name; the first is its default. */
  audiences: string[];
  /** Run by the operator of this server: people are not asked for consent. */
  firstParty: boolean;
  pkceRequired: boolean;
  /** For devices without a browser or a keyboard (RFC 8628): people sign in to it on another. */
  deviceGrant: boolean;
  /** Profile claims go into the ID token as well as to userinfo. */
  idTokenClaims: boolean;
  /** A token for an API with `openid` also opens userinfo, so that the API can read the profile. */
  userinfoWithApi: boolean;
  minimumLevel: Level;
  logoUri: string | null;
  clientUri: string | null;
  policyUri: string | null;
  tosUri: string | null;
  /** Its public keys, for `private_key_jwt`, `self_signed_tls_client_auth` and signed request objects. */
  jwks: { keys: Record<string, unknown>[] } | null;
  /** Where they are fetched instead. */
  jwksUri: string | null;
  /** Who may sign in to it: everybody, or those that are listed. */
  accounts: 'everyone' | 'listed';
  /** Authorization requests by PAR alone (RFC 9126 6). */
  requirePar: boolean;
  /** Authorization requests as signed request objects alone (RFC 9101 10.5). */
  requireSignedRequests: boolean;
  /** Its tokens are bound to a key by DPoP (RFC 9449 5.2). */
  dpopBound: boolean;
  /** Its tokens are bound to its certificate (RFC 8705 3.4). */
  certificateBound: boolean;
  certificateSubject: CertificateSubject | null;
  /** Where it is told of what happens to its accounts (RFC 8935). */
  securityEventsUri: string | null;
  api: ApiSettings;
}

export interface Client {
  id: string;
  name: string;
  type: ClientType;
  status: ClientStatus;
  /** What an API is called in `resource` and `aud` (RFC 8707 2). Null for every other type. */
  audience: string | null;
  settings: ClientSettings;
  /** The registration token that it registered itself with, or `open`. Null: an operator registered it. */
  registeredBy: string | null;
  /** It may change and delete its own registration (RFC 7592). */
  managesItself: boolean;
  createdAt: Milliseconds;
  updatedAt: Milliseconds;
}

export const OIDC_SCOPES = ['openid', 'profile', 'email', 'address', 'phone', 'offline_access'] as const;

/** Sensible settings per type; what the operator says replaces them one by one. */
export function defaultSettings(type: ClientType): ClientSettings {
  const signsIn = type === 'web' || type === 'spa' || type === 'native';
  return {
    redirectUris: [],
    postLogoutRedirectUris: [],
    backchannelLogoutUri: null,
    authMethod: type === 'spa' || type === 'native' ? 'none' : 'client_secret_basic',
    scopes: signsIn ? [...OIDC_SCOPES] : [],
    audiences: [],
    firstParty: false,
    pkceRequired: true,
    deviceGrant: false,
    idTokenClaims: false,
    userinfoWithApi: true,
    minimumLevel: 'one-factor',
    logoUri: null,
    clientUri: null,
    policyUri: null,
    tosUri: null,
    jwks: null,
    jwksUri: null,
    accounts: 'everyone',
    requirePar: false,
    requireSignedRequests: false,
    dpopBound: false,
    certificateBound: false,
    certificateSubject: null,
    securityEventsUri: null,
    api: DEFAULT_API,
  };
}

/** As it was stored, perhaps before there was all that there is today. */
export function readSettings(type: ClientType, stored: string): ClientSettings {
  const settings = JSON.parse(stored) as Partial<ClientSettings>;
  const defaults = defaultSettings(type);
  return { ...defaults, ...settings, api: { ...defaults.api, ...settings.api } };
}

export function isConfidential({ authMethod }: ClientSettings): boolean {
  return authMethod !== 'none';
}
