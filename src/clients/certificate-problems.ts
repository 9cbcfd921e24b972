import { createPublicKey, type JsonWebKey, X509Certificate } from 'node:crypto';
import { subjectProblem } from './certificate-subject.ts';
import type { Client } from './client.ts';

/** What is wrong with how a client uses certificates (RFC 8705). */
export function certificateProblems({ type, settings }: Pick<Client, 'type' | 'settings'>): string[] {
  const { authMethod, certificateSubject, certificateBound, dpopBound, jwks, jwksUri } = settings;
  const problems: string[] = [];
  const check = (ok: boolean, problem: string) => {
    if (!ok) problems.push(problem);
  };
  const byName = authMethod === 'tls_client_auth';
  check(
    !byName || certificateSubject !== null,
    '--auth-method tls_client_auth needs what the certificate must name: --certificate-subject-dn or --certificate-san-…',
  );
  check(
    byName || certificateSubject === null,
    '--certificate-subject-dn and --certificate-san-… are for --auth-method tls_client_auth only',
  );
  const wrong = certificateSubject && subjectProblem(certificateSubject);
  check(wrong === null, wrong ?? '');
  check(
    authMethod !== 'self_signed_tls_client_auth' || jwksUri !== null || hasCertificates(jwks),
    '--auth-method self_signed_tls_client_auth needs the certificate of the client: --jwks FILE, in PEM or as x5c in a JWK Set',
  );
  check(
    !certificateBound || type !== 'resource',
    '--certificate-bound has no use for a resource client: it gets no tokens',
  );
  check(!certificateBound || !dpopBound, '--certificate-bound and --dpop-bound exclude one another: choose one');
  return problems;
}

/** Each with the key that it is registered with (RFC 7517 4.7). */
function hasCertificates(jwks: { keys: Record<string, unknown>[] } | null): boolean {
  const certified = (jwks?.keys ?? []).filter((key) => key?.['x5c'] !== undefined);
  return certified.length > 0 && certified.every(isOwnCertificate);
}

function isOwnCertificate({ x5c, ...key }: Record<string, unknown>): boolean {
  try {
    const [own] = x5c as string[];
    const { publicKey } = new X509Certificate(Buffer.from(own ?? '', 'base64'));
    return publicKey.equals(createPublicKey({ key: key as JsonWebKey, format: 'jwk' }));
  } catch {
    return false;
  }
}
