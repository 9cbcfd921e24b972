import type { AccessToken, ClientCredentials, KoaContextWithOIDC, ResourceServer } from 'oidc-provider';
import { errors } from 'oidc-provider';
import { OIDC_SCOPES } from '../clients/client.ts';
import type { Clock } from '../lib/clock.ts';
import { type Seconds, toMilliseconds } from '../lib/duration.ts';
import { CLOCK_TOLERANCE, GRANT_CLAIM, SESSION_CLAIM } from './access-tokens.ts';
import type { ArtifactStore } from './artifact-store.ts';
import { registrationOf } from './client-metadata.ts';
import type { Registry } from './registry.ts';

export interface ResourceDeps {
  registry: Registry;
  artifacts: ArtifactStore;
  userinfoAudience: string;
  accessTokenLifetime: Seconds;
  clock: Clock;
}

/** Which API a token is for (RFC 8707), and what stands in it (RFC 9068). */
export function createResources({ registry, artifacts, userinfoAudience, accessTokenLifetime, clock }: ResourceDeps) {
  /** Who names no API gets the client's default one, otherwise a token for userinfo alone. */
  function defaultResource(_ctx: unknown, client: object, oneOf?: string | string[]): string | string[] {
    const [byDefault = userinfoAudience] = registrationOf(client).settings.audiences;
    if (oneOf === undefined) return byDefault;
    const choices = [oneOf].flat();
    return choices.length > 1 && choices.includes(byDefault)
      ? byDefault
      : ((choices.length === 1 ? choices[0] : oneOf) as string);
  }

  async function getResourceServerInfo(_ctx: unknown, audience: string, client: object): Promise<ResourceServer> {
    const { settings, type } = registrationOf(client);
    // A machine that acts for itself is nobody: scopes about a person say nothing in its tokens, and could mislead an API.
    // Others have what they are registered with today, also where a refresh token was granted more.
    const personal = type === 'service' ? [] : OIDC_SCOPES.filter((scope) => settings.scopes.includes(scope));
    const token = {
      accessTokenTTL: accessTokenLifetime,
      accessTokenFormat: 'jwt',
      jwt: { sign: { alg: 'RS256' } },
    } as const;
    if (audience === userinfoAudience) return { audience, scope: personal.join(' '), ...token };

    // An API that the client was not registered for is as good as none.
    const api = settings.audiences.includes(audience) ? await registry.api(audience) : null;
    if (api?.status !== 'active') throw new errors.InvalidTarget('this client may not ask for that resource');
    const scopes = api.settings.scopes.filter((scope) => settings.scopes.includes(scope));
    return { audience, scope: [...scopes, ...(settings.userinfoWithApi ? personal : [])].join(' '), ...token };
  }

  /** Runs just before an access token is signed. */
  async function completeToken(
    ctx: KoaContextWithOIDC,
    token: AccessToken | ClientCredentials,
    { payload }: { payload: Record<string, unknown> },
  ): Promise<void> {
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
      const expiresAt = clock() + toMilliseconds(accessTokenLifetime + CLOCK_TOLERANCE);
      await artifacts.put('TokenClaims', jti, { userinfo }, keys, expiresAt);
    }
  }

  return { defaultResource, getResourceServerInfo, completeToken };
}
