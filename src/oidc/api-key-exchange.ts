import type { Configuration, KoaContextWithOIDC, Provider } from 'oidc-provider';
import { errors } from 'oidc-provider';
import type { Clock } from '../lib/clock.ts';
import { MINUTE, type Seconds } from '../lib/duration.ts';
import { TOKEN_EXCHANGE } from './api-key-client.ts';
import { API_KEY_CLAIM, type ApiKeys } from './api-keys.ts';
import { clientCredentialsOf } from './lent-grant.ts';
import { noteApiKey } from './outcome.ts';
import type { UsableApiKey } from './registry.ts';

export const API_KEY_TOKEN_TYPE = 'urn:gatewright:params:oauth:token-type:api-key';
/** RFC 8693 3 */
const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token';

/** Whoever has a key gets another token at any time, so that each of them can be short. */
const LIFETIME: Seconds = 5 * MINUTE;

const PARAMETERS = [
  ...['subject_token', 'subject_token_type', 'requested_token_type', 'actor_token', 'actor_token_type'],
  ...['resource', 'audience', 'scope'],
];

/** Exchanges that are under way, and the key of each. */
const exchanged = new WeakMap<object, UsableApiKey>();

/** A key for a short token of its API (RFC 8693). The token is the one that the client of the key would get for itself. */
export function registerApiKeyExchange(provider: Provider, apiKeys: ApiKeys): void {
  const issue = clientCredentialsOf(provider);

  provider.registerGrantType<Record<string, string | undefined>>(
    TOKEN_EXCHANGE,
    async (ctx) => {
      const { params } = ctx.oidc;
      const key = await keyOf(params, apiKeys, ctx);
      const owner = await provider.Client.find(key.clientId);
      if (!owner) throw refused();
      checkTarget(key, params);
      const scope = narrowed(key, params.scope);

      exchanged.set(ctx, key);
      ctx.oidc.entity('Client', owner);
      Object.assign(params, { resource: key.audience, scope });
      await issue(ctx);
      Object.assign(ctx.body as object, { issued_token_type: ACCESS_TOKEN_TYPE });
      apiKeys.used(key);
    },
    PARAMETERS,
    ['resource', 'audience'],
  );
}

/** Runs just before a token is signed, after it has been completed as one that its client got for itself. */
export async function completeTokenOfKey(
  ctx: KoaContextWithOIDC,
  { payload }: { payload: Record<string, unknown> },
  apiKeys: ApiKeys,
): Promise<void> {
  const key = exchanged.get(ctx);
  if (!key) return;
  payload[API_KEY_CLAIM] = key.id;
  const roles = await apiKeys.rolesWithin(key.id, payload['scope'] as string | undefined);
  if (roles.length > 0) payload['roles'] = roles;
  else delete payload['roles'];
}

type Lifetime = NonNullable<Configuration['ttl']>['ClientCredentials'];

/** A token that was made from a key is short, and does not outlive it. */
export function withinApiKey(lifetime: Lifetime, clock: Clock): Lifetime {
  return (ctx, token, client) => {
    const otherwise = typeof lifetime === 'function' ? lifetime(ctx, token, client) : (lifetime ?? LIFETIME);
    const key = exchanged.get(ctx);
    if (!key) return otherwise;
    const left = key.expiresAt === null ? LIFETIME : Math.floor((key.expiresAt - clock()) / 1000);
    const ofApi = token.resourceServer?.accessTokenTTL ?? LIFETIME;
    return Math.max(1, Math.min(otherwise, ofApi, LIFETIME, left));
  };
}

async function keyOf(
  params: Record<string, unknown>,
  apiKeys: ApiKeys,
  { res }: KoaContextWithOIDC,
): Promise<UsableApiKey> {
  const { subject_token: presented, subject_token_type: type, requested_token_type: requested } = params;
  if (typeof presented !== 'string' || type === undefined) {
    throw new errors.InvalidRequest('subject_token and subject_token_type are required');
  }
  if (type !== API_KEY_TOKEN_TYPE) throw new errors.InvalidRequest(`subject_token_type must be ${API_KEY_TOKEN_TYPE}`);
  if (requested !== undefined && requested !== ACCESS_TOKEN_TYPE) {
    throw new errors.InvalidRequest(`requested_token_type must be ${ACCESS_TOKEN_TYPE}`);
  }
  // RFC 8693 1.1: whoever acts by a key acts as its client, for nobody else.
  if (params['actor_token'] !== undefined || params['actor_token_type'] !== undefined) {
    throw new errors.InvalidRequest('actor_token is not supported');
  }
  const key = await apiKeys.find(presented);
  noteApiKey(res, key !== null);
  if (!key) throw refused();
  return key;
}

/** RFC 8693 2.2.2. One answer for all that a key can lack: it would tell whoever found one what it has been. */
function refused(): Error {
  return new errors.InvalidRequest('subject_token is not an API key that may be used');
}

/** A key is for one API, which may be named by its audience (RFC 8707) or by its client id. */
function checkTarget(key: UsableApiKey, { resource, audience }: Record<string, unknown>): void {
  const named = [resource ?? [], audience ?? []].flat();
  if (named.some((each) => each !== key.audience && each !== key.apiId)) {
    throw new errors.InvalidTarget('this API key is for another API');
  }
}

function narrowed(key: UsableApiKey, asked: string | undefined): string | undefined {
  const wanted = asked?.split(' ').filter(Boolean) ?? key.permissions;
  const foreign = wanted.filter((permission) => !key.permissions.includes(permission));
  if (foreign.length > 0)
    throw new errors.InvalidScope('this API key does not give that permission', foreign.join(' '));
  return wanted.join(' ') || undefined;
}
