import { describe, expect, it } from 'vitest';
import { type Challenges, createChallenges } from '../../src/accounts/challenges.ts';
import { keyringFrom } from '../../src/lib/keyring.ts';
import { newKeyring } from '../../src/lib/keyring-file.ts';
import { movedKeyring } from '../lib/moved-keyring.ts';
import { testClock } from '../support/clock.ts';

const OCCASION = 'interaction/one/0';
/** A moment at which a window of five minutes begins. */
const START = Date.UTC(2026, 0, 2, 3, 5, 0);
const MINUTE = 60;

const asked = (challenges: Challenges, occasion = OCCASION) =>
  Buffer.from(challenges.bytesOf(occasion)).toString('base64url');

function started() {
  const clock = testClock(START);
  const challenges = createChallenges({ keyring: movedKeyring().before, clock });
  return { clock, challenges };
}

describe('a challenge', () => {
  it('is 32 bytes that nobody else can make: another keyring makes others', () => {
    const { clock, challenges } = started();
    expect(challenges.bytesOf(OCCASION)).toHaveLength(32);
    const strange = createChallenges({ keyring: keyringFrom(newKeyring(() => 1_000)), clock });
    expect(asked(strange)).not.toBe(asked(challenges));
    expect(strange.isOf(OCCASION, asked(challenges))).toBe(false);
  });

  it('is that of its occasion alone', () => {
    const { challenges } = started();
    const challenge = asked(challenges);
    expect(challenges.isOf(OCCASION, challenge)).toBe(true);
    for (const other of ['interaction/one/1', 'interaction/two/0', 'interaction/one/00', '']) {
      expect(challenges.isOf(other, challenge), other).toBe(false);
    }
  });

  it('is good for five minutes, whenever it was made, and never for more than ten', () => {
    for (const [madeAt, good, bad] of [
      [0, 9 * MINUTE + 59, 10 * MINUTE],
      [4 * MINUTE + 59, 5 * MINUTE, 5 * MINUTE + 1],
    ] as const) {
      for (const [after, expected] of [
        [0, true],
        [good, true],
        [bad, false],
      ] as const) {
        const { clock, challenges } = started();
        clock.forward(madeAt);
        const challenge = asked(challenges);
        clock.forward(after);
        expect(challenges.isOf(OCCASION, challenge), `made at ${madeAt} s, answered ${after} s later`).toBe(expected);
      }
    }
  });

  it('is not one of a time that has not come', () => {
    const keyring = movedKeyring().before;
    const [now, later] = [START, START + 5 * 60_000].map((at) => createChallenges({ keyring, clock: testClock(at) }));
    expect(later?.isOf(OCCASION, asked(later as Challenges))).toBe(true);
    expect(now?.isOf(OCCASION, asked(later as Challenges))).toBe(false);
  });

  it('outlives a new key of the keyring, and not the end of its own', () => {
    const { before, both, after } = movedKeyring();
    const clock = testClock(START);
    const [old, moved, later] = [before, both, after].map((keyring) => createChallenges({ keyring, clock })) as [
      Challenges,
      Challenges,
      Challenges,
    ];
    expect(moved.isOf(OCCASION, asked(old))).toBe(true);
    expect(asked(moved)).not.toBe(asked(old));
    expect(later.isOf(OCCASION, asked(moved))).toBe(true);
    expect(later.isOf(OCCASION, asked(old))).toBe(false);
  });

  it('is whole: no part of it, nothing longer, nothing empty', () => {
    const { challenges } = started();
    const challenge = asked(challenges);
    for (const wrong of ['', challenge.slice(0, -2), `${challenge}AA`, challenge.slice(1), 'A'.repeat(43)]) {
      expect(challenges.isOf(OCCASION, wrong), wrong).toBe(false);
    }
  });
});
