import type { ArtifactKeys, ArtifactKind, Payload } from './artifact-store.ts';

/** What an artifact is searched by and falls with, from the payload of oidc-provider's model. */
export function keysOf(kind: ArtifactKind, payload: Payload): ArtifactKeys {
  const text = (name: string) => (typeof payload[name] === 'string' ? (payload[name] as string) : null);
  // An interaction names the grant that it found, but is not issued under it: where another person signs in, the first
  // session ends with its grants, and the interaction goes on.
  const grantId = kind === 'Grant' ? text('jti') : kind === 'Interaction' ? null : text('grantId');
  return {
    uid: kind === 'Session' ? text('uid') : null,
    grantId,
    accountId: text('accountId'),
    clientId: text('clientId'),
    sessionUid: payload['expiresWithSession'] === true ? text('sessionUid') : null,
  };
}
