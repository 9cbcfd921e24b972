import { keyedHash } from '../lib/hash.ts';

/** What is counted: in the clear, so that an operator sees which limit somebody met. */
export type SubjectKind =
  | 'password'
  | 'password-address'
  | 'password-both'
  | 'code'
  | 'code-address'
  | 'letter'
  | 'letter-address'
  | 'unlock-letter'
  | 'user-code'
  | 'user-code-address'
  | 'user-code-all'
  | 'spraying-password'
  | 'spraying-address';

/** Account, typed address or visitor's address: as a keyed hash, so that the store holds nothing that somebody typed. */
export type Named = string & { readonly named: unique symbol };

/** The same thing has the same name in every subject, so that all that is counted of it can be found again. */
export function createNames(key: Buffer) {
  const named = (what: string) => keyedHash(key, what) as Named;
  return {
    email: (email: string) => named(`email/${email}`),
    account: (accountId: string) => named(`account/${accountId}`),
    address: (address: string) => named(`address/${network(address)}`),
    client: (clientId: string) => named(`client/${clientId}`),
  };
}

export type Names = ReturnType<typeof createNames>;

export function subjectOf(kind: SubjectKind | (string & {}), ...names: Named[]): string {
  return `${kind}:${names.join('@')}`;
}

export function partsOf(subject: string): { kind: string; names: Named[] } {
  const [kind = '', names = ''] = subject.split(':');
  return { kind, names: names.split('@') as Named[] };
}

/** One customer of a provider holds a whole /64, so that is what counts as one address in IPv6. */
export function network(address: string): string {
  // What a socket that listens on both families calls an IPv4 address (RFC 4291 2.5.5.2).
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped) return mapped;
  if (!address.includes(':')) return address;
  const [head = '', tail = ''] = address.toLowerCase().split('::');
  const left = head.split(':').filter(Boolean);
  const right = tail.split(':').filter(Boolean);
  const missing = address.includes('::') ? Array(Math.max(0, 8 - left.length - right.length)).fill('0') : [];
  return [...left, ...missing, ...right].slice(0, 4).join(':');
}
