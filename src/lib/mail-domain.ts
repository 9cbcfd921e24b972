import { domainToASCII, domainToUnicode } from 'node:url';

const LABELS = /^[a-z0-9-]+(\.[a-z0-9-]+)*$/;

/**
 * A domain in the form in which two spellings of it are equal (RFC 5891 5: A-labels). Null for what is none, and for what
 * only a lenient reader takes for one: `example.org/x`, `ex%61mple.org`, `example。org`, `0x7f.1`, `example.org.`.
 */
export function plainDomain(text: string): string | null {
  const given = text.normalize('NFKC').toLowerCase();
  const plain = domainToASCII(given);
  return LABELS.test(plain) && (given === plain || given === domainToUnicode(plain)) ? plain : null;
}

/** Of a mail address. */
export function domainOf(address: string): string | null {
  return plainDomain(address.slice(address.lastIndexOf('@') + 1));
}
