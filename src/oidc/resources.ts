import type { AccessToken, ClientCredentials, KoaContextWithOIDC, ResourceServer } from 'oidc-provider';
import { errors } from 'oidc-provider';
import { type Seconds, toMilliseconds } from '../lib/duration.ts';
import { ID_TOKEN_ALGORITHM, type SigningAlgorithm } from '../lib/signing-algorithm.ts';
import { CLOCK_TOLERANCE, GRANT_CLAIM, SESSION_CLAIM } from './access-tokens.ts';
import { assertBound, assertBoundOnce, assertDemands } from './api-demands.ts';
import type { ArtifactStore, Payload } from './artifact-store.ts';
import { registrationOf } from './client-metadata.ts';
import { noteOutdated } from './hand-over.ts';
import { type PermissionsAt, type PermissionsAtApi, personalScopes, scopeAt } from './permissions.ts';
import { noteUnavailable } from './unavailable.ts';

export interface ResourceDeps {
  permissionsAt: PermissionsAt;
  artifacts: ArtifactStore;
  userinfoAudience: string;
  accessTokenLifetime: Seconds;
  /** By which this Provider can sign. */
  signs: readonly SigningAlgorithm[];
  /** Has a key made for another one, for the Provider that takes this one's place. */
  provideKey: (algorithm: SigningAlgorithm) => Promise<boolean>;
}

/** Which API a token is for (RFC 8707), and what stands in it (RFC 9068). */
export function createResources(deps: ResourceDeps) {
  const { permissionsAt, artifacts, userinfoAudience, accessTokenLifetime } = deps;
  /** What a request's token is for. */
  const chosen = new WeakMap<object, PermissionsAtApi>();

  /** Who names no API gets the client's default one, otherwise a token for userinfo alone. */
  function defaultResource(_ctx: unknown, client: object, oneOf?: string | string[]): string | string[] {
    const [byDefault = userinfoAudience] = registrationOf(client).settings.audiences;
    if (oneOf === undefined) return byDefault;
    const choices = [oneOf].flat();
    return choices.length > 1 && choices.includes(byDefault)
      ? byDefault
      : ((choices.length === 1 ? choices[0] : oneOf) as string);
  }

  /** An API that the client was not registered for is as good as none. */
  async function openTo(ctx: KoaContextWithOIDC, audience: string, accountId?: string): Promise<PermissionsAtApi> {
    const client = registrationOf(ctx.oidc.client as object);
    const at = await permissionsAt(audience, client, accountId);
    if (!at) throw new errors.InvalidTarget('this client may not ask for that resource');
    if (ctx.oidc.route === 'token') assertDemands(ctx, at.api, client);
    await assertSigns(ctx, at.api.settings.api.signingAlgorithm);
    return at;
  }

  /** The first that is asked for by an algorithm has its key made, which the Provider that comes after this one has. */
  async function assertSigns(ctx: KoaContextWithOIDC, algorithm: SigningAlgorithm): Promise<void> {
    if (deps.signs.includes(algorithm)) return;
    const isThere = await deps.provideKey(algorithm);
    if (ctx.oidc.route !== 'token') return;
    const missing = new Error(`no key signs by ${algorithm} yet`);
    noteUnavailable(missing);
    if (isThere) noteOutdated();
    throw missing;
  }

  async function getResourceServerInfo(ctx: KoaContextWithOIDC, audience: string): Promise<ResourceServer> {
    const client = registrationOf(ctx.oidc.client as object);
    const jwtSignedBy = (alg: SigningAlgorithm) => ({ accessTokenFormat: 'jwt', jwt: { sign: { alg } } }) as const;
    if (audience === userinfoAudience) {
      const scope = personalScopes(client).join(' ');
      return { audience, scope, accessTokenTTL: accessTokenLifetime, ...jwtSignedBy(ID_TOKEN_ALGORITHM) };
    }
    const at = await openTo(ctx, audience, ctx.oidc.account?.accountId);
    chosen.set(ctx, at);
    const { tokenLifetime, signingAlgorithm } = at.api.settings.api;
    const accessTokenTTL = tokenLifetime ?? accessTokenLifetime;
    return { audience, scope: scopeAt(at, client), accessTokenTTL, ...jwtSignedBy(signingAlgorithm) };
  }

  /**
   * What the library asks only after it has spent a code or refresh token: a client that can mend its request must not have
   * lost it.
   */
  async function beforeSpending(ctx: KoaContextWithOIDC, payload: Payload): Promise<void> {
    const { clientId, accountId, resource, consumed } = payload as Record<string, string | undefined>;
    const { client, params } = ctx.oidc;
    // What is presented twice, or by another client, is the library's to refuse: it says nothing about APIs.
    if (consumed || !client || clientId !== client.clientId) return;
    assertBoundOnce(ctx, registrationOf(client));
    if (resource === undefined) return;
    const granted = [resource].flat();
    const named = (params?.['resource'] as string | string[] | undefined) ?? granted;
    const audience = defaultResource(ctx, client, named);
    if (typeof audience !== 'string' || audience === userinfoAudience) return;
    if (!granted.includes(audience)) throw new errors.InvalidTarget();
    await openTo(ctx, audience, accountId);
  }

  async function issueRefreshToken(_ctx: unknown, client: object, source: object): Promise<boolean> {
    const registered = registrationOf(client);
    const resources = [(source as { resource?: string | string[] }).resource ?? userinfoAudience].flat();
    for (const audience of resources) {
      const at = audience === userinfoAudience ? null : await permissionsAt(audience, registered);
      if (audience === userinfoAudience || at?.api.settings.api.refresh) return true;
    }
    return false;
  }

  /** Runs just before an access token is signed. */
  async function completeToken(
    ctx: KoaContextWithOIDC,
    token: AccessToken | ClientCredentials,
    { payload }: { payload: Record<string, unknown> },
  ): Promise<void> {
    const at = token.aud === userinfoAudience ? undefined : chosen.get(ctx);
    if (at) assertBound(token, at.api);
    if (at && at.roles.length > 0) payload['roles'] = at.roles;
    if (token.kind !== 'AccessToken') return;
    const { grantId, jti, scopes, expiresWithSession, sessionUid } = token as AccessToken;
    payload[GRANT_CLAIM] = grantId;
    if (expiresWithSession) payload[SESSION_CLAIM] = sessionUid;
    if (scopes.has('openid') && token.aud !== userinfoAudience) payload['aud'] = [token.aud, userinfoAudience];

    const { AuthorizationCode, DeviceCode, RotatedRefreshToken } = ctx.oidc.entities;
    const source = AuthorizationCode ?? DeviceCode ?? RotatedRefreshToken;
    if (!source) throw new Error('an access token without the code or refresh token behind it');
    // RFC 9068 2.2.1: of the authentication itself, unchanged by a refresh.
    Object.assign(payload, { auth_time: source.authTime, acr: source.acr, amr: source.amr });

    // The library forgets what was asked of userinfo when a token is for a resource, as all of ours are.
    const userinfo = source.claims?.userinfo;
    if (userinfo && Object.keys(userinfo).length > 0) {
      const keys = { uid: null, grantId: grantId ?? null, accountId: null, clientId: null, sessionUid: null };
      const expiresAt = toMilliseconds(Number(payload['exp']) + CLOCK_TOLERANCE);
      await artifacts.put('TokenClaims', jti, { userinfo }, keys, expiresAt);
    }
  }

  return { defaultResource, getResourceServerInfo, beforeSpending, issueRefreshToken, completeToken };
}
