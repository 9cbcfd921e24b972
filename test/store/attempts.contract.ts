import { describe, expect, it } from 'vitest';
import { DAY, MINUTE, toMilliseconds } from '../../src/lib/duration.ts';
import { type AttemptRule, type AttemptStore, UNTIL_LIFTED } from '../../src/limits/attempt-store.ts';
import { racers } from '../support/stores.ts';

const WINDOW = toMilliseconds(15 * MINUTE);
const START = Date.UTC(2026, 0, 2);
const rule: AttemptRule = { limit: 3, window: WINDOW, waitGrows: true, maxConsecutive: 100 };

/** Every AttemptStore must pass this. */
export function attemptStoreContract(name: string, open: () => AttemptStore | Promise<AttemptStore>): void {
  describe(`attempts in ${name}`, () => {
    async function opened(wanted = rule) {
      const attempts = await open();
      /** When the next one may be made, null when this one may. */
      const take = async (now: number, subject = 'ada') => (await attempts.take(subject, wanted, now))?.until ?? null;
      return {
        attempts,
        take,
        async takeAll(now: number) {
          for (let taken = 0; taken < wanted.limit; taken += 1) expect(await take(now)).toBeNull();
        },
      };
    }

    it('let exactly the limit of a hundred racers pass', async () => {
      const { take } = await opened({ ...rule, limit: 10 });
      const answers = await racers(100, () => take(START));
      expect(answers.filter((answer) => answer === null)).toHaveLength(10);
      expect(new Set(answers.filter((answer) => answer !== null))).toEqual(new Set([START + WINDOW]));
    });

    it('count subjects apart', async () => {
      const { take, takeAll } = await opened();
      await takeAll(START);
      expect(await take(START)).not.toBeNull();
      expect(await take(START, 'bob')).toBeNull();
    });

    it('count through a whole window, and anew in the next', async () => {
      const { take, takeAll } = await opened();
      await take(START);
      await take(START + 1);
      await take(START + WINDOW - 1);
      await takeAll(START + WINDOW);
      expect(await take(START + WINDOW + 1)).not.toBeNull();
    });

    it('wait no longer where a wait is ended, and all the longer the next time; the row of failures stays', async () => {
      const { attempts, take, takeAll } = await opened({ ...rule, maxConsecutive: 7 });
      await takeAll(START);
      expect(await take(START)).toBe(START + WINDOW);
      await attempts.endWait('bob');
      expect(await take(START)).toBe(START + WINDOW);
      await attempts.endWait('ada');
      await takeAll(START + 1);
      expect(await take(START + 1)).toBe(START + 1 + 2 * WINDOW);
      await attempts.endWait('ada');
      expect(await take(START + 2)).toBeNull();
      // The eighth in a row is for an operator.
      expect(await take(START + 2)).toBe(UNTIL_LIFTED);
      await attempts.endWait('ada');
      const still = await attempts.take('ada', { ...rule, maxConsecutive: 7 }, START + 3);
      expect(still).toEqual({ until: UNTIL_LIFTED, begins: false });
    });

    it('wait twice as long each time, up to a day, whoever keeps asking', async () => {
      const { take, takeAll } = await opened();
      let now = START;
      for (const waited of [1, 2, 4, 8, 16, 32, 64].map((times) => times * WINDOW)) {
        await takeAll(now);
        const until = now + waited;
        for (const asked of [now, now + 1, until - 1]) expect(await take(asked)).toBe(until);
        now = until;
      }
      await takeAll(now);
      expect(await take(now)).toBe(now + toMilliseconds(DAY));
    });

    it('wait no longer than the first time where the rule says so', async () => {
      const { take, takeAll } = await opened({ ...rule, waitGrows: false, maxConsecutive: null });
      for (let now = START; now < START + 10 * WINDOW; now += WINDOW) {
        await takeAll(now);
        for (const asked of [now, now + 1, now + WINDOW - 1]) expect(await take(asked)).toBe(now + WINDOW);
      }
    });

    it('say of one refused attempt that it began the block', async () => {
      const { attempts, takeAll } = await opened();
      for (const now of [START, START + WINDOW]) {
        await takeAll(now);
        const blocks = await racers(20, () => attempts.take('ada', rule, now));
        expect(blocks.filter((block) => block?.begins)).toHaveLength(1);
        expect(blocks).not.toContain(null);
      }
    });

    it('say so once of a block that only an operator lifts', async () => {
      const { attempts } = await opened();
      const short = { ...rule, maxConsecutive: 2 };
      for (let taken = 0; taken < 2; taken += 1) expect(await attempts.take('ada', short, START)).toBeNull();
      const begins = [];
      for (const days of [0, 0, 200]) {
        begins.push((await attempts.take('ada', short, START + toMilliseconds(days * DAY)))?.begins);
      }
      expect(begins).toEqual([true, false, false]);
    });

    it('give back one for one that succeeded, and no other', async () => {
      const { attempts, take, takeAll } = await opened();
      await takeAll(START);
      await attempts.refund('ada');
      expect(await take(START)).toBeNull();
      expect(await take(START)).not.toBeNull();
    });

    it('are as if one had not been made when it is withdrawn', async () => {
      const { attempts, take, takeAll } = await opened();
      await takeAll(START);
      await attempts.withdraw('ada');
      expect(await take(START)).toBeNull();
      expect(await take(START)).not.toBeNull();
    });

    it('keep block and wait when one is withdrawn', async () => {
      const { attempts, take, takeAll } = await opened();
      await takeAll(START);
      const until = await take(START);
      await attempts.withdraw('ada');
      expect(await take(START + 1)).toBe(until);
      await takeAll(START + WINDOW);
      await attempts.withdraw('ada');
      expect(await take(START + WINDOW)).toBeNull();
      expect(await take(START + WINDOW)).toBe(START + 3 * WINDOW);
    });

    it('keep the row of failures when one is withdrawn, less that one', async () => {
      const { attempts, take } = await opened();
      let now = START;
      for (let failures = 0; failures < 100; failures += 1) {
        expect(await take(now)).toBeNull();
        await attempts.withdraw('ada');
        expect(await take(now)).toBeNull();
        now += WINDOW;
      }
      expect(await take(now)).toBeGreaterThan(now + toMilliseconds(365 * DAY));
    });

    it('are counted right when some are made while others are withdrawn', async () => {
      const { attempts, take } = await opened({ ...rule, limit: 110, maxConsecutive: null });
      for (let taken = 0; taken < 50; taken += 1) expect(await take(START)).toBeNull();
      await racers(100, async (index) => (index % 2 ? attempts.withdraw('ada') : take(START)));

      const more = await racers(61, () => take(START));
      expect(more.filter((answer) => answer === null)).toHaveLength(60);
    });

    it('lose none to one withdrawn that was not taken', async () => {
      const { attempts, take, takeAll } = await opened();
      await attempts.withdraw('ada');
      await take(START);
      for (let withdrawn = 0; withdrawn < 3; withdrawn += 1) await attempts.withdraw('ada');
      await takeAll(START);
      expect(await take(START)).not.toBeNull();
    });

    it('give back nothing that was not taken', async () => {
      const { attempts, take, takeAll } = await opened();
      await attempts.refund('ada');
      await take(START);
      await attempts.refund('ada');
      await attempts.refund('ada');
      await takeAll(START);
      expect(await take(START)).not.toBeNull();
    });

    it('stay blocked when one that was under way succeeds', async () => {
      const { attempts, take, takeAll } = await opened();
      await takeAll(START);
      const until = await take(START);
      await attempts.refund('ada');
      expect(await take(START + 1)).toBe(until);
      await takeAll(START + WINDOW);
      expect(await take(START + WINDOW)).toBe(START + 3 * WINDOW); // the wait has grown all the same
    });

    it('grow no further wait after a success', async () => {
      const { attempts, take, takeAll } = await opened();
      await takeAll(START);
      await take(START);
      await take(START + WINDOW);
      await attempts.refund('ada');
      await takeAll(START + WINDOW);
      expect(await take(START + WINDOW)).toBe(START + 2 * WINDOW);
    });

    it('end after a hundred failures in a row, spread over any time, until they are cleared', async () => {
      const { attempts, take } = await opened();
      let now = START;
      for (let failures = 0; failures < 100; failures += 1) {
        expect(await take(now)).toBeNull();
        now += WINDOW;
      }
      for (const years of [0, 1, 10]) expect(await take(now + toMilliseconds(years * 365 * DAY))).not.toBeNull();

      await attempts.clear('ada');
      expect(await take(now)).toBeNull();
    });

    it('count refused ones as no failure of the row', async () => {
      const { take } = await opened({ ...rule, limit: 1 });
      let now = START;
      for (let failures = 1; failures < 100; failures += 1) {
        expect(await take(now)).toBeNull();
        now = (await take(now)) ?? 0;
      }
      expect(await take(now)).toBeNull();
      expect(await take(now)).toBeGreaterThan(now + toMilliseconds(365 * DAY));
    });

    it('begin the row again after a success, and have none where the rule has none', async () => {
      const { attempts, take } = await opened();
      const withoutRow = { ...rule, maxConsecutive: null };
      for (let index = 0; index < 250; index += 1) {
        const now = START + index * WINDOW;
        expect(await take(now)).toBeNull();
        if (index % 99 === 98) await attempts.refund('ada');
        expect(await attempts.take('an address', withoutRow, now)).toBeNull();
      }
    });

    it('are cleared with every subject that names them, and with no other', async () => {
      const { attempts, take } = await opened({ ...rule, limit: 1 });
      const subjects = ['password:ada', 'both:ada@home', 'both:bob@home', 'password:bob'];
      const takeAll = () => Promise.all(subjects.map(async (subject) => (await take(START, subject)) === null));
      await takeAll();
      await attempts.clearNaming('ada');
      expect(await takeAll()).toEqual([true, true, false, false]);
      await attempts.clearNaming('home');
      expect(await takeAll()).toEqual([false, true, true, false]);
    });

    it('are shown while they must wait, the longest wait first, and cleared together', async () => {
      const { attempts, take } = await opened({ ...rule, limit: 1 });
      await take(START, 'free');
      for (const [subject, now] of [
        ['short', START],
        ['long', START + 1],
      ] as const) {
        await take(now, subject);
        await take(now, subject);
      }
      const both = [
        { subject: 'long', until: START + 1 + WINDOW },
        { subject: 'short', until: START + WINDOW },
      ];
      expect(await attempts.blocked(START + 2)).toEqual(both);
      expect(await attempts.blocked(START + WINDOW)).toEqual(both.slice(0, 1));
      expect(await attempts.clearBlocked(START + 2)).toBe(2);
      expect(await attempts.blocked(START + 2)).toEqual([]);
      expect(await take(START + 2, 'free')).not.toBeNull();
    });

    it('pass again at once when they are cleared', async () => {
      const { attempts, take, takeAll } = await opened();
      await takeAll(START);
      await take(START);
      await attempts.clear('ada');
      await takeAll(START);
      expect(await take(START)).toBe(START + WINDOW);
    });
  });
}
