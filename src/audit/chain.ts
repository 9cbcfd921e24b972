import { hash } from 'node:crypto';
import type { Milliseconds } from '../lib/duration.ts';
import { keyedHash, sameText } from '../lib/hash.ts';

/** An event as it was recorded, its personal fields as their hash. */
export interface Recorded {
  id: string;
  at: Milliseconds;
  event: string;
  outcome: string;
  actor: string;
  accountId: string | null;
  clientId: string | null;
  requestId: string | null;
  /** JSON, as it is stored. */
  detail: string;
  person: string | null;
  personalHash: string | null;
}

/** A place in the chain. `previous` is the mac of the entry before, and nothing for the first. */
export interface Link {
  sequence: number;
  previous: string;
  mac: string;
}

export type Entry = Recorded & Link;

/** How far the trail reached at an instant. Kept elsewhere, it shows when the end of the trail is cut off. */
export interface Head {
  sequence: number;
  /** The mac of that entry. */
  hash: string;
  at: Milliseconds;
}

export type SignedHead = Head & { mac: string };

/** What stands before the first entry there ever was. */
export const START: Head & { mac: null } = { sequence: 0, hash: '', at: 0, mac: null };

export function macOfEntry(key: Buffer, entry: Recorded & Omit<Link, 'mac'>): string {
  const { sequence, previous, id, at, event, outcome, actor, accountId, clientId, requestId, detail } = entry;
  const { person, personalHash } = entry;
  // A list in JSON: where one field ends and the next begins is in no doubt.
  const fields = [sequence, previous, id, at, event, outcome, actor, accountId, clientId, requestId, detail];
  return keyedHash(key, JSON.stringify(['entry', ...fields, person, personalHash]));
}

/** @param use so that neither stands in for the other: the head of one day is not the anchor of another */
export function signed(key: Buffer, use: 'head' | 'anchor', { sequence, hash: last, at }: Head): SignedHead {
  return { sequence, hash: last, at, mac: keyedHash(key, JSON.stringify([use, sequence, last, at])) };
}

export function isSigned(key: Buffer, use: 'head' | 'anchor', head: SignedHead): boolean {
  return sameText(signed(key, use, head).mac, head.mac);
}

/** @param last of the chain so far */
export function linkAfter(key: Buffer, last: Pick<Head, 'sequence' | 'hash'>, event: Recorded): Entry {
  const place = { ...event, sequence: last.sequence + 1, previous: last.hash };
  return { ...place, mac: macOfEntry(key, place) };
}

/** @param opened what was sealed, its salt included, without which the few addresses there are could be tried out */
export function personalHash(opened: string): string {
  return hash('sha256', opened, 'base64url');
}
