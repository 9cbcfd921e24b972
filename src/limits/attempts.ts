import type { Clock } from '../lib/clock.ts';
import { type Milliseconds, type Seconds, toMilliseconds } from '../lib/duration.ts';
import { Refusal } from '../lib/errors.ts';
import { keyedHash } from '../lib/hash.ts';
import { type AttemptRule, type AttemptStore, UNTIL_LIFTED } from './attempt-store.ts';

const MAX_CONSECUTIVE = 100;

export interface AttemptLimits {
  passwords: number;
  codes: number;
  perAddress: number;
  window: Seconds;
}

/** An attempt that was counted. */
export interface Attempt {
  /** Gives back this one and no other, and ends the row of failures. */
  succeeded(): Promise<void>;
  /** It was never checked, through no fault of the visitor: takes back its count, and nothing else. */
  withdrawn(): Promise<void>;
}

export type Attempts = ReturnType<typeof createAttempts>;

/**
 * Counts attempts before they are checked: a crash or a race hands out no free guess. Subjects are keyed hashes, so
 * that the store holds no address that somebody typed.
 */
export function createAttempts({
  store,
  limits,
  clock,
  key,
}: {
  store: AttemptStore;
  limits: AttemptLimits;
  clock: Clock;
  key: Buffer;
}) {
  const window: Milliseconds = toMilliseconds(limits.window);
  const perAccount = (limit: number): AttemptRule => ({
    ...{ limit, window },
    waitGrows: true,
    maxConsecutive: MAX_CONSECUTIVE,
  });
  // Many people may share an address: one of them must not keep the others out for longer and longer.
  const perAddress: AttemptRule = { limit: limits.perAddress, window, waitGrows: false, maxConsecutive: null };

  /** The address comes first: one that must wait cannot use up an account's attempts. */
  async function take(wanted: [string, AttemptRule][]): Promise<Attempt> {
    const now = clock();
    const subjects: string[] = [];
    for (const [name, rule] of wanted) {
      const subject = keyedHash(key, name);
      const block = await store.take(subject, rule, now);
      if (block !== null) {
        const { until, begins: beginsBlock } = block;
        const wait = until === UNTIL_LIFTED ? {} : { retryAfter: Math.ceil((until - now) / 1000) };
        throw new Refusal('too_many_attempts', 429, { ...wait, beginsBlock });
      }
      subjects.push(subject);
    }
    return {
      async succeeded() {
        for (const subject of subjects) await store.refund(subject);
      },
      async withdrawn() {
        for (const subject of subjects) await store.withdraw(subject);
      },
    };
  }

  const passwordSubject = (email: string) => `password/${email}`;
  const codeSubject = (accountId: string) => `code/${accountId}`;

  return {
    /** By what was typed, whether or not there is such an account. @throws {Refusal} `too_many_attempts` */
    password: (email: string, address: string): Promise<Attempt> =>
      take([
        [`password-address/${network(address)}`, perAddress],
        [passwordSubject(email), perAccount(limits.passwords)],
      ]),
    /** TOTP and recovery codes share one count per account. @throws {Refusal} `too_many_attempts` */
    code: (accountId: string, address: string): Promise<Attempt> =>
      take([
        [`code-address/${network(address)}`, perAddress],
        [codeSubject(accountId), perAccount(limits.codes)],
      ]),
    /** Whatever has only the visitor's address to go by. @throws {Refusal} `too_many_attempts` */
    address: (use: string, address: string): Promise<Attempt> => take([[`${use}/${network(address)}`, perAddress]]),
    /** An operator lifts the blocks of one account. */
    async lift(accountId: string, email: string): Promise<void> {
      await store.clear(keyedHash(key, passwordSubject(email)));
      await store.clear(keyedHash(key, codeSubject(accountId)));
    },
  };
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
