import type { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import type Provider from 'oidc-provider';
import type { errors, KoaContextWithOIDC } from 'oidc-provider';
import { isConfidential } from '../clients/client.ts';
import { registrationOf } from './client-metadata.ts';

/** Who turned out to have asked. */
export interface Outcome {
  /** The confidential client that proved who it is. */
  clientId: string | null;
  /** The person whose session it was. */
  accountId: string | null;
  /** What was presented as a client's proof was none. */
  clientRefused: boolean;
  /** The API key of the request is one: it is counted by itself, whosever it is. */
  keyAccepted: boolean;
}

const NOBODY: Outcome = { clientId: null, accountId: null, clientRefused: false, keyAccepted: false };

const AUTHENTICATED = [
  'grant.error',
  'introspection.error',
  'revocation.error',
  'pushed_authorization_request.error',
  'device_authorization.error',
] as const;
/** Errors that only a client is told which was let in before. */
const AFTER_AUTHENTICATION = [
  ...['invalid_grant', 'invalid_scope', 'invalid_target', 'unauthorized_client', 'unsupported_grant_type'],
  ...['access_denied', 'unsupported_token_type', 'authorization_pending', 'slow_down', 'expired_token'],
  ...['invalid_dpop_proof', 'use_dpop_nonce'],
];

const refusals = new WeakMap<ServerResponse, string>();
/** Requests with an API key, and whether it may be used. */
const keys = new WeakMap<ServerResponse, boolean>();
const outcomes = new WeakMap<ServerResponse, Outcome>();

export function noteApiKey(res: ServerResponse, accepted: boolean): void {
  keys.set(res, accepted);
}

export function noteOutcomes(provider: Provider): void {
  for (const name of AUTHENTICATED) {
    (provider as EventEmitter).on(name, ({ res }: KoaContextWithOIDC, err: errors.OIDCProviderError) => {
      refusals.set(res, err.error);
    });
  }
  provider.use(async (ctx, next) => {
    await next();
    const { client, session } = (ctx as KoaContextWithOIDC).oidc ?? {};
    const refusal = refusals.get(ctx.res);
    const letIn = ctx.status < 500 && (refusal === undefined || AFTER_AUTHENTICATION.includes(refusal));
    const keyAccepted = keys.get(ctx.res);
    if (keyAccepted !== undefined)
      return void outcomes.set(ctx.res, { ...NOBODY, clientRefused: !keyAccepted, keyAccepted });
    outcomes.set(ctx.res, {
      keyAccepted: false,
      clientId: client && letIn && isConfidential(registrationOf(client).settings) ? client.clientId : null,
      accountId: session?.accountId ?? null,
      // The library looks for the client last: what it refuses before that, as malformed, proved nothing either.
      clientRefused: refusal === 'invalid_client' || (refusal !== undefined && !client && ctx.status < 500),
    });
  });
}

export function outcomeOf(res: ServerResponse): Outcome {
  return outcomes.get(res) ?? NOBODY;
}
