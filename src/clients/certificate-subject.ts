import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { type CertificateNames, namesOf } from './certificate-names.ts';
import type { CertificateSubject } from './client.ts';
import { isSameName, parseDistinguishedName } from './distinguished-name.ts';

/** RFC 8705 2.1.2: whole names are compared, without wildcards; those of hosts without regard to case (RFC 4343). */
export function matchesSubject(certificate: X509Certificate, { by, value }: CertificateSubject): boolean {
  let names: CertificateNames;
  try {
    names = namesOf(certificate);
  } catch {
    return false;
  }
  if (by === 'subject_dn') {
    const expected = parseDistinguishedName(value);
    return expected !== null && isSameName(names.subject, expected);
  }
  if (by === 'san_dns') return names.dns.some((name) => lowerCase(name) === lowerCase(value));
  if (by === 'san_ip') {
    const bytes = addressBytes(value);
    return bytes !== null && names.ip.includes(bytes);
  }
  return names[by === 'san_uri' ? 'uri' : 'email'].includes(value);
}

/** Null where a certificate can say so. */
export function subjectProblem({ by, value }: CertificateSubject): string | null {
  const option = `--certificate-${by.replace('_', '-')}`;
  const is = {
    subject_dn: parseDistinguishedName(value) !== null,
    san_dns: /^(?!-)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*$/.test(value) && value.length <= 253,
    san_uri: URL.canParse(value) && /^[\x21-\x7e]+$/.test(value),
    san_ip: addressBytes(value) !== null,
    san_email: /^[\x21-\x3f\x41-\x7e]+@[A-Za-z0-9.-]+$/.test(value),
  }[by];
  const wanted = {
    subject_dn: 'a name as "CN=billing,O=Example,C=DE", the last part first (RFC 4514)',
    san_dns: 'a host name, without a wildcard',
    san_uri: 'an absolute address',
    san_ip: 'an IP address',
    san_email: 'a mail address',
  }[by];
  return is ? null : `${option} must be ${wanted}, not ${value}`;
}

/** In ASCII alone: other alphabets have capitals that become letters of this one. */
function lowerCase(text: string): string {
  return text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** Of an address, in hexadecimal. */
function addressBytes(address: string): string | null {
  const family = isIP(address);
  if (family === 4) return Buffer.from(address.split('.').map(Number)).toString('hex');
  if (family !== 6 || address.includes('%')) return null;
  // The canonical form of a URL has no address of IPv4 in it, and one gap at most.
  const { hostname } = new URL(`http://[${address}]`);
  const [left = '', right] = hostname.slice(1, -1).split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const [before, after] = [groups(left), groups(right ?? '')];
  const gap = Array.from({ length: 8 - before.length - after.length }, () => '0');
  return [...before, ...(right === undefined ? [] : gap), ...after].map((group) => group.padStart(4, '0')).join('');
}
