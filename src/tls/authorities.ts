import type { X509Certificate } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import { OperatorProblem } from '../lib/errors.ts';
import { certificatesIn } from '../lib/pem.ts';
import { isValidAt } from './validity.ts';

/** RFC 5280 4.2.1.12: for which a certificate is good that says so at all. */
const FOR_CLIENTS = ['1.3.6.1.5.5.7.3.2', '2.5.29.37.0'];

/** @throws {OperatorProblem} */
export function parseAuthorities(text: string, file: string): X509Certificate[] {
  try {
    // Whom half a list vouches for would be refused.
    const found = certificatesIn(text);
    if (found.length === 0) throw new Error('no certificate');
    // A certificate that may sign no others would never vouch for anybody.
    if (found.every(({ ca }) => ca)) return found;
  } catch (err) {
    throw new OperatorProblem(`MTLS_CA_FILE: ${file} holds no certificates: it must be in PEM, and whole`, {
      cause: err,
    });
  }
  throw new OperatorProblem(`MTLS_CA_FILE: ${file} has a certificate that is no authority's: list authorities alone`);
}

/**
 * Whether one of them issued it itself. For certificates that arrive without the handshake in which TLS would have
 * looked at the whole path.
 */
export function isIssuedBy(
  authorities: readonly X509Certificate[],
  certificate: X509Certificate,
  clock: Clock,
): boolean {
  // The types do not say that a certificate need not name its uses.
  const uses = certificate.keyUsage as string[] | undefined;
  if (certificate.ca || (uses && !uses.some((use) => FOR_CLIENTS.includes(use)))) return false;
  return authorities.some(
    (authority) =>
      isValidAt(authority, clock()) && certificate.checkIssued(authority) && certificate.verify(authority.publicKey),
  );
}
