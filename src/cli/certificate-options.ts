import { type Command, Option } from 'commander';
import type { CertificateSubject, ClientSettings } from '../clients/client.ts';
import type { Config } from '../config/config.ts';
import { certificatesIn } from '../lib/pem.ts';
import { canShow } from '../oidc/mutual-tls.ts';
import { Failure } from './failure.ts';
import type { Output } from './output.ts';

export interface CertificateOptions {
  certificateSubjectDn?: string;
  certificateSanDns?: string;
  certificateSanUri?: string;
  certificateSanIp?: string;
  certificateSanEmail?: string;
}

type OptionName = keyof CertificateOptions;

const KINDS: [CertificateSubject['by'], OptionName, flags: string, what: string][] = [
  ['subject_dn', 'certificateSubjectDn', '--certificate-subject-dn <name>', 'subject: "CN=billing,O=Example,C=DE"'],
  ['san_dns', 'certificateSanDns', '--certificate-san-dns <name>', 'host name'],
  ['san_uri', 'certificateSanUri', '--certificate-san-uri <address>', 'address'],
  ['san_ip', 'certificateSanIp', '--certificate-san-ip <address>', 'IP address'],
  ['san_email', 'certificateSanEmail', '--certificate-san-email <address>', 'mail address'],
];

export function addCertificateOptions(command: Command): Command {
  for (const [, , flags, what] of KINDS) {
    command.addOption(new Option(flags, `for tls_client_auth, what its certificate must name as ${what}`));
  }
  return command;
}

/** The one that is named replaces what was there, and an empty one takes it away. @throws {Failure} */
export function certificateSubject(
  options: CertificateOptions,
  current: CertificateSubject | null,
): CertificateSubject | null {
  const named = KINDS.flatMap(([by, option]) =>
    options[option] === undefined ? [] : [{ by, value: options[option] }],
  );
  const given = named.filter(({ value }) => value !== '');
  if (given.length > 1)
    throw new Failure('name only one of the options --certificate-subject-dn and --certificate-san-…');
  return named.length === 0 ? current : (given[0] ?? null);
}

/** One key for each certificate in a PEM file, which is registered as a JWK Set as well; null for other files. */
export function certificatesAsKeys(text: string): NonNullable<ClientSettings['jwks']> | null {
  const keys = certificatesIn(text).map(({ publicKey, raw }) => ({
    ...publicKey.export({ format: 'jwk' }),
    x5c: [raw.toString('base64')],
  }));
  return keys.length > 0 ? { keys } : null;
}

/** The configuration may change after the client. */
export function warnOfNoCertificates(settings: ClientSettings, { mutualTls }: Config, out: Output): void {
  const offer = mutualTls && { origin: mutualTls.origin, byAuthority: mutualTls.authorityFile !== null };
  if (canShow({ settings }, offer)) return;
  const missing = mutualTls === null ? 'MTLS_PORT or CLIENT_CERT_HEADER' : 'MTLS_CA_FILE';
  out.warn(`it is refused like a disabled one until the server is given ${missing}: it cannot show its certificate`);
}
