import { createRemoteJWKSet, errors } from 'jose';
import { isLoopbackHttp, requireSecureUrl } from './secure-url.ts';

const TIMEOUT = 5_000; // milliseconds

/** Finds the provider's key set when it is first needed, and reads it again for a key that it does not know. */
export function createIssuerKeys(issuer: string) {
  if (isLoopbackHttp(requireSecureUrl('ISSUER', issuer))) console.error('the issuer is http: fine for trying, no more');
  let found: Promise<ReturnType<typeof createRemoteJWKSet>> | null = null;

  async function find() {
    const document = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const response = await fetch(document, { redirect: 'error', signal: AbortSignal.timeout(TIMEOUT) });
    const metadata = (await response.json()) as { issuer?: string; jwks_uri?: string };
    if (metadata.issuer !== issuer || !metadata.jwks_uri) throw new Error(`${document} is not that of ${issuer}`);
    return createRemoteJWKSet(requireSecureUrl('jwks_uri', metadata.jwks_uri), { timeoutDuration: TIMEOUT });
  }
  return () => {
    found ??= find().catch((err: unknown) => {
      found = null;
      throw err;
    });
    return found;
  };
}

/** Whether the token is bad. False where that cannot be told now: no answer, or a key that is newer than our copy. */
export function isBadToken(err: unknown): boolean {
  const { JOSEError, JWKSNoMatchingKey, JWKSTimeout } = errors;
  if (!(err instanceof JOSEError) || err.code === JOSEError.code) return false;
  return !(err instanceof JWKSNoMatchingKey || err instanceof JWKSTimeout);
}
