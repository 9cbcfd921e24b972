import type { X509Certificate } from 'node:crypto';
import { type DerValue, readDer, readDerItems, readObjectIdentifier } from '../lib/der.ts';
import type { DistinguishedName } from './distinguished-name.ts';

/** What a certificate says of its holder. */
export interface CertificateNames {
  subject: DistinguishedName;
  dns: string[];
  uri: string[];
  email: string[];
  /** Bytes in hexadecimal. */
  ip: string[];
}

const SUBJECT_ALT_NAME = '2.5.29.17';
const EXTENSIONS = 0xa3;
const VERSION = 0xa0;
const OCTET_STRING = 0x04;

/**
 * Read from the certificate itself: the texts that are made of it for people leave room for tricks with separators.
 * @throws for what is no certificate
 */
export function namesOf({ raw }: X509Certificate): CertificateNames {
  // RFC 5280 4.1: version, serial number, algorithm, issuer, validity, subject, key, extensions.
  const fields = readDerItems(readDer(readDer(raw).contents).contents).filter(({ tag }) => tag !== VERSION);
  const subject = fields[4];
  if (!subject) throw new Error('not a certificate');
  const general = alternativeNames(fields.find(({ tag }) => tag === EXTENSIONS));
  // RFC 5280 4.2.1.6: the tags of GeneralName.
  const texts = (wanted: number) =>
    general.filter(({ tag }) => tag === wanted).map(({ contents }) => contents.toString('latin1'));
  return {
    subject: readDerItems(subject.contents).map(({ contents }) => readDerItems(contents).map(attribute)),
    email: texts(0x81),
    dns: texts(0x82),
    uri: texts(0x86),
    ip: general.filter(({ tag }) => tag === 0x87).map(({ contents }) => contents.toString('hex')),
  };
}

function attribute({ contents }: DerValue) {
  const [type, value] = readDerItems(contents);
  if (!type || !value) throw new Error('not a name');
  return { type: readObjectIdentifier(type.contents), value: textOf(value) };
}

/** The kinds of text in names (RFC 5280 4.1.2.4). */
function textOf({ tag, contents }: DerValue): string {
  if (tag === 0x1e) return Buffer.from(contents).swap16().toString('utf16le');
  if (tag === 0x0c) return contents.toString('utf8');
  if (tag === 0x13 || tag === 0x14 || tag === 0x16) return contents.toString('latin1');
  // No name that anybody can write down equals it.
  return `\u0000${tag}:${contents.toString('hex')}`;
}

function alternativeNames(extensions: DerValue | undefined): DerValue[] {
  if (!extensions) return [];
  for (const { contents } of readDerItems(readDer(extensions.contents).contents)) {
    const [id, ...more] = readDerItems(contents);
    if (!id || readObjectIdentifier(id.contents) !== SUBJECT_ALT_NAME) continue;
    const value = more.find(({ tag }) => tag === OCTET_STRING);
    return value ? readDerItems(readDer(value.contents).contents) : [];
  }
  return [];
}
