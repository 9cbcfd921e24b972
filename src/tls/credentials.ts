import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { Clock } from '../lib/clock.ts';
import type { Milliseconds } from '../lib/duration.ts';
import { OperatorProblem } from '../lib/errors.ts';
import type { NamedFile } from './followed-files.ts';

/** The server's certificate with those between it and its authority, and its key, as PEM. */
export interface Credentials {
  cert: string;
  key: string;
  expiresAt: Milliseconds;
}

/** @throws {OperatorProblem} where no client could be answered with them */
export function parseCredentials(
  [cert = '', key = '']: readonly string[],
  { certFile, keyFile, clock }: { certFile: string; keyFile: string; clock: Clock },
): Credentials {
  const leaf = attempt(() => new X509Certificate(cert));
  if (!leaf) throw new OperatorProblem(`TLS_CERT_FILE: ${certFile} holds no certificate: it must be in PEM`);
  const privateKey: KeyObject | null = attempt(() => createPrivateKey(key));
  if (!privateKey) {
    throw new OperatorProblem(`TLS_KEY_FILE: ${keyFile} holds no private key: it must be in PEM, without a passphrase`);
  }
  if (!leaf.checkPrivateKey(privateKey)) {
    const order = 'name the two that belong together, the own certificate first in its file';
    throw new OperatorProblem(`TLS_KEY_FILE: ${keyFile} is not the key of the certificate in ${certFile}: ${order}`);
  }
  const expiresAt = leaf.validToDate.getTime();
  if (expiresAt <= clock())
    throw new OperatorProblem(`TLS_CERT_FILE: the certificate in ${certFile} has expired: renew it`);
  if (!attempt(() => createSecureContext({ cert, key }))) {
    throw new OperatorProblem(
      `TLS_CERT_FILE: ${certFile} is refused by the TLS library: get a certificate with a longer key`,
    );
  }
  return { cert, key, expiresAt };
}

export function credentialFiles({ certFile, keyFile }: { certFile: string; keyFile: string }): NamedFile[] {
  return [
    { variable: 'TLS_CERT_FILE', file: certFile },
    { variable: 'TLS_KEY_FILE', file: keyFile },
  ];
}

function attempt<T>(work: () => T): T | null {
  try {
    return work();
  } catch {
    return null;
  }
}
