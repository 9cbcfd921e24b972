import type { Adapter, AdapterPayload } from 'oidc-provider';
import Provider from 'oidc-provider';
import { looksLikeApiKey } from '../api-keys/format.ts';
import { toMilliseconds } from '../lib/duration.ts';
import { LONGEST_ACCESS_TOKEN } from '../lib/token-lifetime.ts';
import { CLOCK_TOLERANCE, GRANT_CLAIM, SESSION_CLAIM, type VerifiedAccessToken } from './access-tokens.ts';
import type { AdapterDeps } from './adapter-deps.ts';
import { API_KEY_CLAIM } from './api-keys.ts';
import { TOKEN_ALIAS } from './presented-token.ts';
import { createValidity } from './validity.ts';

/**
 * Access tokens are JWTs and stored nowhere. Where one is presented to us, this puts together what the library would
 * have stored: from the token and, for a person's token, from the grant that it names.
 */
export function createTokenAdapter(model: 'AccessToken' | 'ClientCredentials', deps: AdapterDeps): Adapter {
  const { artifacts, accessTokens, apiKeys, userinfoAudience, scopeToday } = deps;
  const { isUsable, clientStands } = createValidity(deps);

  async function personal(token: VerifiedAccessToken): Promise<AdapterPayload | undefined> {
    const grantId = token[GRANT_CLAIM];
    if (!grantId) return undefined;
    const grant = await artifacts.get('Grant', grantId);
    if (!grant || !(await isUsable('Grant', grant))) return undefined;

    const { accountId, clientId } = grant.payload as { accountId: string; clientId: string };
    const { auth_time, acr, amr, [SESSION_CLAIM]: sessionUid } = token;
    return {
      ...{ ...common(token), clientId, accountId, grantId, extra: { auth_time, acr, amr } },
      // The library then looks at the session as well.
      ...(sessionUid && { expiresWithSession: true, sessionUid }),
    };
  }

  async function ofClient(token: VerifiedAccessToken): Promise<AdapterPayload | undefined> {
    if (token[GRANT_CLAIM]) return undefined;
    // A token says the second it was made in, so one of the very second of a change is refused as well.
    if (!(await clientStands(token.client_id, toMilliseconds(token.iat)))) return undefined;
    const { [API_KEY_CLAIM]: keyId } = token;
    if (keyId !== undefined && !(await apiKeys.isUsable(keyId))) return undefined;
    // RFC 9068 2.2: `sub` is the client; the library leaves it out at introspection.
    const extra = { sub: token.client_id, ...(keyId !== undefined && { [API_KEY_CLAIM]: keyId }) };
    return { ...common(token), clientId: token.client_id, extra };
  }

  function common({ jti, iat, exp, scope, aud, cnf }: VerifiedAccessToken): AdapterPayload {
    const opensUserinfo = [aud].flat().includes(userinfoAudience);
    return {
      ...{ kind: model, jti, iat, exp },
      ...(scope !== undefined && { scope }),
      // The library lets nothing with an audience into userinfo, since its own tokens for it have none.
      ...(Provider.ctx?.oidc.route === 'userinfo' && opensUserinfo ? {} : { aud }),
      ...(cnf?.jkt && { jkt: cnf.jkt }),
      ...(cnf?.['x5t#S256'] && { 'x5t#S256': cnf['x5t#S256'] }),
    };
  }

  /** Whoever introspects learns what holds now, not what the token says. */
  async function asOfToday(
    payload: AdapterPayload,
    { aud, scope, [API_KEY_CLAIM]: keyId }: VerifiedAccessToken,
  ): Promise<AdapterPayload | undefined> {
    const { clientId = '', accountId, extra } = payload;
    const today = await scopeToday.ofAccessToken({ clientId, accountId, audiences: [aud].flat(), scope });
    if (!today) return undefined;
    const { scope: _said, ...rest } = payload;
    const roles = keyId === undefined ? today.roles : await apiKeys.rolesWithin(keyId, today.scope);
    return {
      ...rest,
      ...(today.scope !== undefined && { scope: today.scope }),
      extra: { ...extra, ...(roles.length > 0 && { roles }) },
    };
  }

  return {
    async find(presented) {
      // Of the endpoints, these two alone get the alias, from us; one that came from outside is no token.
      const isAliased = ['introspection', 'revocation'].includes(Provider.ctx?.oidc.route ?? '');
      if (looksLikeApiKey(presented)) {
        // Nowhere else is a key a token.
        if (!isAliased || model !== 'ClientCredentials') return undefined;
        return Provider.ctx?.oidc.route === 'revocation'
          ? apiKeys.revocable(presented)
          : apiKeys.introspected(presented, Provider.ctx?.oidc.client?.clientId);
      }
      const token = await accessTokens.verify(isAliased ? presented.replace(TOKEN_ALIAS, '') : presented);
      if (!token || (await artifacts.isDenied(token.jti))) return undefined;
      const payload = await (model === 'ClientCredentials' ? ofClient(token) : personal(token));
      if (payload && Provider.ctx?.oidc.route === 'introspection') return asOfToday(payload, token);
      if (payload && Provider.ctx?.oidc.route === 'userinfo') {
        const asked = await artifacts.get('TokenClaims', token.jti);
        if (asked) payload.claims = asked.payload as NonNullable<AdapterPayload['claims']>;
      }
      return payload;
    },
    /** Revocation: the token alone is denied, for as long as any token can live. */
    async destroy(jti) {
      if (looksLikeApiKey(jti)) return apiKeys.revoke(jti);
      await artifacts.deny(jti, deps.clock() + toMilliseconds(LONGEST_ACCESS_TOKEN + CLOCK_TOLERANCE));
    },
    async revokeByGrantId() {},
    upsert: async () => {
      throw new Error('access tokens are JWTs and not stored');
    },
    consume: async () => {},
    findByUid: async () => undefined,
    findByUserCode: async () => undefined,
  };
}
