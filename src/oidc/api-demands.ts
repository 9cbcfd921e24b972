import type { KoaContextWithOIDC } from 'oidc-provider';
import { errors } from 'oidc-provider';
import type { SenderConstraint } from '../clients/api.ts';
import type { RegisteredClient } from './registry.ts';

/** What a token is bound to: the key of a DPoP proof (RFC 9449 6.1), a certificate (RFC 8705 3.1). */
export interface Bindings {
  jkt?: string | undefined;
  'x5t#S256'?: string | undefined;
}

/**
 * What an API lays down for its tokens, as far as it shows before anything is made or spent.
 * @throws {errors.OIDCProviderError}
 */
export function assertDemands(ctx: KoaContextWithOIDC, api: RegisteredClient, client: RegisteredClient): void {
  const { refresh, senderConstrained } = api.settings.api;
  if (!refresh && ctx.oidc.params?.['grant_type'] === 'refresh_token') {
    const description = 'that resource allows no refresh: have the person sign in again';
    throw new errors.CustomOIDCProviderError('invalid_grant', description);
  }
  const [jkt, certificate] = [ctx.get('DPoP') || undefined, client.settings.certificateBound ? 'will be' : undefined];
  if (!isBound({ jkt, 'x5t#S256': certificate }, senderConstrained)) throw unbound(senderConstrained);
}

/**
 * The library finds only after it has spent a code or refresh token that a token would be bound twice.
 * @throws {errors.InvalidRequest} in its words
 */
export function assertBoundOnce(ctx: KoaContextWithOIDC, { settings }: RegisteredClient): void {
  if (!settings.certificateBound || !ctx.get('DPoP')) return;
  throw new errors.InvalidRequest('multiple proof-of-possession mechanisms are not allowed');
}

/** Of the token itself: a proof that was sent need not have bound it. */
export function assertBound(token: Bindings, api: RegisteredClient): void {
  const { senderConstrained } = api.settings.api;
  if (!isBound(token, senderConstrained)) throw unbound(senderConstrained);
}

function isBound({ jkt, 'x5t#S256': certificate }: Bindings, demand: SenderConstraint): boolean {
  const ways = { none: true, dpop: Boolean(jkt), mtls: Boolean(certificate), any: Boolean(jkt || certificate) };
  return ways[demand];
}

const WAYS = {
  none: '',
  dpop: 'a DPoP proof (RFC 9449)',
  mtls: 'a certificate (RFC 8705)',
  any: 'a DPoP proof (RFC 9449) or a certificate (RFC 8705)',
};

function unbound(demand: SenderConstraint): errors.OIDCProviderError {
  return new errors.InvalidRequest(`that resource takes only tokens that are bound to a key: send ${WAYS[demand]}`);
}
