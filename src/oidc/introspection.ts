import type { AccessToken, ClientCredentials, KoaContextWithOIDC, RefreshToken } from 'oidc-provider';
import { registrationOf } from './client-metadata.ts';

type Token = AccessToken | ClientCredentials | RefreshToken;

/** A client learns of its own tokens, an API of those made for it; to everybody else there is no such token. */
export function introspectionAllowed(_ctx: KoaContextWithOIDC, client: object, token: Token): boolean {
  const caller = registrationOf(client);
  if (token.clientId === caller.id) return true;
  if (token.kind === 'RefreshToken' || caller.audience === null) return false;
  return [(token as AccessToken).aud ?? []].flat().includes(caller.audience);
}

/** RFC 7009 2.1: only the client that a token was issued to; to others nothing is said. */
export function revocationAllowed(_ctx: KoaContextWithOIDC, client: object, token: Token): boolean {
  return token.clientId === registrationOf(client).id;
}
