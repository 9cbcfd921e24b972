/** What a name says by one of its types, given in dots: an AttributeTypeAndValue (RFC 5280 4.1.2.4). */
export interface NameAttribute {
  type: string;
  value: string;
}

/** From the root down, as certificates have it; several attributes at one step are one of them (multi-valued). */
export type DistinguishedName = NameAttribute[][];

/** RFC 4514 3 and RFC 4519, and what authorities use besides. */
const TYPES: Record<string, string> = {
  ...{ CN: '2.5.4.3', SN: '2.5.4.4', SERIALNUMBER: '2.5.4.5', C: '2.5.4.6', L: '2.5.4.7', ST: '2.5.4.8' },
  ...{ STREET: '2.5.4.9', O: '2.5.4.10', OU: '2.5.4.11', TITLE: '2.5.4.12', GIVENNAME: '2.5.4.42', GN: '2.5.4.42' },
  ...{ ORGANIZATIONIDENTIFIER: '2.5.4.97', UID: '0.9.2342.19200300.100.1.1', DC: '0.9.2342.19200300.100.1.25' },
  ...{ EMAILADDRESS: '1.2.840.113549.1.9.1', E: '1.2.840.113549.1.9.1' },
};

/**
 * A name as an operator writes it (RFC 4514 2): the last step first. Space around the separators does not count.
 * Null where it is none, or where a value stands in hexadecimal (`#04…`).
 */
export function parseDistinguishedName(text: string): DistinguishedName | null {
  const name: DistinguishedName = [];
  for (const step of split(text, /[,;]/)) {
    const attributes = split(step, /\+/).map(parseAttribute);
    if (attributes.some((attribute) => attribute === null)) return null;
    name.unshift(attributes as NameAttribute[]);
  }
  return name;
}

/** The same steps in the same order, each with the same attributes, character by character. */
export function isSameName(left: DistinguishedName, right: DistinguishedName): boolean {
  const plain = (name: DistinguishedName) =>
    JSON.stringify(name.map((step) => step.map(({ type, value }) => JSON.stringify([type, value])).sort()));
  return plain(left) === plain(right);
}

function parseAttribute(text: string): NameAttribute | null {
  const [, key = '', raw = ''] = /^\s*([A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+)\s*=(.*)$/s.exec(text) ?? [];
  const type = /^\d/.test(key) ? key : TYPES[key.toUpperCase()];
  const value = unescaped(raw);
  return type === undefined || value === null ? null : { type, value };
}

/** RFC 4514 2.4, and space that is not escaped at either end taken off. Null where it is not escaped as it must be. */
function unescaped(raw: string): string | null {
  const trimmed = raw.replace(/^\s+/, '').replace(/((?:^|[^\\])(?:\\\\)*(?:\\ )?)\s+$/, '$1');
  if (trimmed === '' || trimmed.startsWith('#')) return null;
  const bytes: Buffer[] = [];
  const parts = trimmed.matchAll(/\\([0-9A-Fa-f]{2})|\\([ "#+,;<=>\\])|([^\\"+,;<>])|(.)/gsu);
  for (const [, hex, special, plain] of parts) {
    if (hex !== undefined) bytes.push(Buffer.from(hex, 'hex'));
    else if (special !== undefined || plain !== undefined) bytes.push(Buffer.from(special ?? plain ?? ''));
    else return null;
  }
  const whole = Buffer.concat(bytes);
  const value = whole.toString('utf8');
  return Buffer.from(value).equals(whole) ? value : null;
}

/** Where a separator stands that is not escaped. */
function split(text: string, separator: RegExp): string[] {
  const parts = [''];
  for (const [piece] of text.matchAll(/\\.|[^\\]|\\$/gsu)) {
    if (piece.length === 1 && separator.test(piece)) parts.push('');
    else parts[parts.length - 1] += piece;
  }
  return parts;
}
