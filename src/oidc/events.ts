import type { EventEmitter } from 'node:events';
import type Provider from 'oidc-provider';
import type { errors, KoaContextWithOIDC } from 'oidc-provider';
import { isUnanswerable } from './unavailable.ts';

/** What the library tells, in our words. */
export interface ProviderEvents {
  /** An endpoint answered with an OAuth error: no fault of ours. */
  refused(ctx: KoaContextWithOIDC, error: string, detail: string | undefined): void;
  failed(ctx: KoaContextWithOIDC, err: Error): void;
  /** A database is away. */
  unavailable(ctx: KoaContextWithOIDC, err: Error): void;
  /** The keys of a client are not to be had at its address (`jwks_uri`). */
  keysNotFetched(origin: string, reason: Error): void;
  /** The token endpoint answered with tokens. */
  issued(grantType: string): void;
}

const ERROR_EVENTS = [
  ...['authorization.error', 'grant.error', 'userinfo.error', 'introspection.error', 'revocation.error'],
  ...['pushed_authorization_request.error', 'end_session.error', 'end_session_confirm.error', 'jwks.error'],
  ...['discovery.error', 'end_session_success.error', 'device_authorization.error', 'device_resume.error'],
] as const;

export function reportEvents(provider: Provider, events: ProviderEvents): void {
  const refused = (ctx: KoaContextWithOIDC, err: errors.OIDCProviderError) => {
    if (!isUnanswerable(ctx)) events.refused(ctx, err.error, err.error_detail);
  };
  for (const name of ERROR_EVENTS) (provider as EventEmitter).on(name, refused);
  // What failed for want of a database is reported once, with its answer (unavailable.ts).
  provider.on('server_error', (ctx, err) => {
    if (!isUnanswerable(ctx)) events.failed(ctx, err);
  });
  provider.on('grant.success', (ctx) => events.issued(String(ctx.oidc.params?.['grant_type'])));
}
