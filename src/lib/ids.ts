import { randomBytes } from 'node:crypto';

/** The prefix says what a stray id is, and an id of one kind never passes for one of another. */
export type IdKind =
  | 'acc'
  | 'otp'
  | 'psk'
  | 'rcv'
  | 'cli'
  | 'sec'
  | 'stp'
  | 'evt'
  | 'msg'
  | 'lnk'
  | 'req'
  | 'inc'
  | 'rol'
  | 'key'
  | 'rgt';

/** 128 random bits: `acc_3f…`, 26 characters, safe in addresses, file names and shells. */
export function newId(kind: IdKind): string {
  return `${kind}_${randomBytes(16).toString('base64url').replaceAll('-', 'A').replaceAll('_', 'B')}`;
}

/** A bearer secret of 256 random bits. Whoever holds it may act: store its hash only. */
export function newSecret(prefix: string): string {
  return `${prefix}_${randomBytes(32).toString('base64url')}`;
}
