import type { Clock } from '../lib/clock.ts';
import { HOUR, type Milliseconds, type Seconds, toMilliseconds } from '../lib/duration.ts';
import { Refusal } from '../lib/errors.ts';
import { type AttemptRule, type AttemptStore, type Block, UNTIL_LIFTED } from './attempt-store.ts';
import { createSpraying, type SprayingLimits } from './spraying.ts';
import { createNames, partsOf, subjectOf } from './subjects.ts';

const MAX_CONSECUTIVE = 100;
/** Half of them: the other half is what ten known browsers may fail (known-browsers.ts). */
const MAX_CONSECUTIVE_PASSWORDS = 50;
/** Of everybody together, in one window. docs/decisions/026 has the arithmetic. */
const WRONG_USER_CODES = 10_000;

export interface AttemptLimits {
  passwords: number;
  codes: number;
  perAddress: number;
  /** Letters in an hour that one address can be made to get by whoever types it. */
  letters: number;
  window: Seconds;
  spraying: SprayingLimits;
}

/** An attempt that was counted. */
export interface Attempt {
  /** Gives back this one and no other, and ends the row of failures. */
  succeeded(): Promise<void>;
  /** It was never checked, through no fault of the visitor: takes back its count, and nothing else. */
  withdrawn(): Promise<void>;
}

export interface AttemptKeys {
  attempts: Buffer;
  spraying: Buffer;
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
  keys,
}: {
  store: AttemptStore;
  limits: AttemptLimits;
  clock: Clock;
  keys: AttemptKeys;
}) {
  const names = createNames(keys.attempts);
  const spraying = createSpraying({ store, limits: limits.spraying, key: keys.spraying });
  const window: Milliseconds = toMilliseconds(limits.window);
  const perAccount = (limit: number, maxConsecutive: number | null): AttemptRule => ({
    ...{ limit, window, maxConsecutive },
    waitGrows: true,
  });
  // Many people may share an address: one of them must not keep the others out for longer and longer.
  const perAddress: AttemptRule = { limit: limits.perAddress, window, waitGrows: false, maxConsecutive: null };

  const perOwner: AttemptRule = { ...perAddress, limit: limits.codes };
  // It grows no longer: who keeps asking must not keep the owner from it.
  const perLetterBox: AttemptRule = { ...perAddress, limit: limits.letters, window: toMilliseconds(HOUR) };

  function refusalOf({ until, begins: beginsBlock }: Block, now: Milliseconds, counted: string): Refusal {
    const wait = until === UNTIL_LIFTED ? {} : { retryAfter: Math.ceil((until - now) / 1000) };
    return new Refusal('too_many_attempts', 429, { ...wait, beginsBlock, counted });
  }

  /** The address comes first: one that must wait cannot use up an account's attempts. */
  async function take(wanted: [string, AttemptRule][]): Promise<Attempt> {
    const now = clock();
    const subjects: string[] = [];
    for (const [subject, rule] of wanted) {
      const block = await store.take(subject, rule, now);
      if (block !== null) throw refusalOf(block, now, partsOf(subject).kind);
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

  async function takeSprayed(password: string, email: string, address: string): Promise<Attempt> {
    const now = clock();
    const sprayer = await spraying.take(password, email, names.address(address), now);
    const { blocked } = sprayer;
    if (!blocked) return sprayer;
    const counted = 'spraying';
    const { retryAfter, beginsBlock } = refusalOf(blocked, now, counted);
    const wait = { retryAfter: retryAfter ?? 0, beginsBlock };
    throw new Refusal('too_many_attempts', 429, { ...wait, counted, sprayed: blocked.by });
  }

  const ofPasswords = (email: string, address: string): string[] => {
    const [account, visitor] = [names.email(email), names.address(address)];
    return [subjectOf('password', account), subjectOf('password-both', account, visitor)];
  };

  return {
    /**
     * By what was typed, whether or not there is such an account.
     * @throws {Refusal} `too_many_attempts`
     */
    async password(email: string, address: string, password: string): Promise<Attempt> {
      const [account, visitor] = [names.email(email), names.address(address)];
      const parts = [
        await take([[subjectOf('password-address', visitor), perAddress]]),
        await takeSprayed(password, email, address),
        // Who goes on at one address waits there, and does not make the account wait for longer and longer.
        await take([[subjectOf('password-both', account, visitor), perAccount(limits.passwords, null)]]),
        await take([[subjectOf('password', account), perAccount(limits.passwords, MAX_CONSECUTIVE_PASSWORDS)]]),
      ];
      return {
        async succeeded() {
          for (const part of parts) await part.succeeded();
        },
        async withdrawn() {
          for (const part of parts) await part.withdrawn();
        },
      };
    },
    /** TOTP and recovery codes share one count per account. @throws {Refusal} `too_many_attempts` */
    code: (accountId: string, address: string): Promise<Attempt> =>
      take([
        [subjectOf('code-address', names.address(address)), perAddress],
        [subjectOf('code', names.account(accountId)), perAccount(limits.codes, MAX_CONSECUTIVE)],
      ]),
    /**
     * A letter that anybody can ask for, whoever gets it.
     * @param accountId of which another address is told each time, whatever was typed
     * @throws {Refusal} `too_many_attempts`
     */
    letter: (email: string, address: string, accountId?: string): Promise<Attempt> =>
      take([
        [subjectOf('letter-address', names.address(address)), perAddress],
        ...(accountId ? [[subjectOf('letter', names.account(accountId)), perLetterBox] as [string, AttemptRule]] : []),
        [subjectOf('letter', names.email(email)), perLetterBox],
      ]),
    /**
     * The code that a device shows, typed by whoever. @param accountId who is signed in
     * @throws {Refusal} `too_many_attempts`
     */
    userCode: (address: string, accountId: string | null): Promise<Attempt> =>
      take([
        [subjectOf('user-code-address', names.address(address)), perAddress],
        ...(accountId ? [[subjectOf('user-code', names.account(accountId)), perOwner] as [string, AttemptRule]] : []),
        [subjectOf('user-code-all'), { ...perAddress, limit: WRONG_USER_CODES }],
      ]),
    /** What somebody who is signed in does with much work, whatever the address. @throws {Refusal} `too_many_attempts` */
    own: (use: string, accountId: string): Promise<Attempt> =>
      take([[subjectOf(use, names.account(accountId)), perOwner]]),
    /**
     * The letter that a wait causes by itself. Apart from those that people ask for: who has accounts wait must not use
     * those up. @throws {Refusal} `too_many_attempts`
     */
    unlockLetter: (email: string): Promise<Attempt> =>
      take([[subjectOf('unlock-letter', names.email(email)), perLetterBox]]),
    /** Whatever has only the visitor's address to go by. @throws {Refusal} `too_many_attempts` */
    address: (use: string, address: string): Promise<Attempt> =>
      take([[subjectOf(use, names.address(address)), perAddress]]),
    /**
     * For whoever reads the account's mail: the wait of its passwords ends, also of those tried from where the letter was
     * read. The rest stays: failures in a row, or a hundred and more could be had by asking its owner again and again;
     * codes, since a mailbox is no second factor; what one address tried at many accounts, which is nothing of this one;
     * and what counts letters, or the mailbox could be flooded.
     * @param email normalized
     */
    async endPasswordWait(email: string, address: string): Promise<void> {
      for (const subject of ofPasswords(email, address)) await store.endWait(subject);
    },
    /** The same for a new password: what was tried at the one before is forgotten, also what an operator would lift. */
    async liftPassword(email: string, address: string): Promise<void> {
      for (const subject of ofPasswords(email, address)) await store.clear(subject);
    },
    /** An operator lifts the blocks of one account. */
    async lift(accountId: string, email: string): Promise<void> {
      for (const name of [names.email(email), names.account(accountId)]) await store.clearNaming(name);
    },
    /** The same for one visitor's address. */
    liftAddress: (address: string): Promise<void> => store.clearNaming(names.address(address)),
  };
}
