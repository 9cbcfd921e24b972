import { createHash, X509Certificate } from 'node:crypto';
import type { ApiRequest } from './api-request.ts';
import { invalidToken } from './problem.ts';

/**
 * The certificate with which a client proved itself in TLS, as PEM or DER; nothing where it sent none. Read it from the
 * connection, or from a header that your proxy sets and removes from what strangers send.
 */
export type ClientCertificate = (request: ApiRequest) => string | Uint8Array | null | undefined;

/** @param thumbprint `x5t#S256` of the token (RFC 8705 3.1). @throws {Problem} */
export function requireCertificate(thumbprint: string, certificate: string | Uint8Array | null | undefined): void {
  if (!certificate || certificate.length === 0) throw invalidToken('The access token is bound to a client certificate');
  if (thumbprintOf(certificate) !== thumbprint)
    throw invalidToken('The access token is bound to another client certificate');
}

function thumbprintOf(certificate: string | Uint8Array): string | null {
  try {
    return createHash('sha256').update(new X509Certificate(certificate).raw).digest('base64url');
  } catch {
    // What cannot be read is not the certificate.
    return null;
  }
}
