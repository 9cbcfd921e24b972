import type { Clock } from '../lib/clock.ts';
import { MINUTE, type Milliseconds, type Seconds } from '../lib/duration.ts';
import type { RateStanding } from '../lib/rate-standing.ts';
import type { Rate, RateStore } from './rate-store.ts';

const PATIENCE: Milliseconds = 1000;
/** Whoever is known to have used up a window. More than that many at once are an attack, which is counted again. */
const MOST_KNOWN = 10_000;

export interface RateLimit {
  /** Counts one and waits for the answer. Null where the store is away: passes, since refusing would be an outage. */
  count(subject: string): Promise<RateStanding | null>;
  /** What this process has last heard of a subject. Asks nobody. */
  known(subject: string): RateStanding | null;
}

export function createRateLimit({
  store,
  name,
  limit,
  window = MINUTE,
  clock,
  onSkipped,
}: {
  store: RateStore;
  name: string;
  limit: number;
  window?: Seconds;
  clock: Clock;
  onSkipped: () => void;
}): RateLimit {
  const consume = store.counter({ name, limit, window });
  const heard = new Map<string, { left: number; endsAt: Milliseconds }>();

  const standing = (left: number, over: boolean, wait: Milliseconds): RateStanding => ({
    ...{ policy: name, limit, window, left, over },
    resetsIn: Math.max(1, Math.ceil(wait / 1000)),
  });

  return {
    async count(subject) {
      let rate: Rate;
      try {
        rate = await soon(consume(subject));
      } catch {
        onSkipped();
        return null;
      }
      if (heard.size >= MOST_KNOWN) heard.clear();
      heard.set(subject, { left: rate.left, endsAt: clock() + rate.resetsIn });
      return standing(rate.left, rate.over, rate.resetsIn);
    },
    known(subject) {
      const last = heard.get(subject);
      if (!last) return null;
      const wait = last.endsAt - clock();
      if (wait > 0) return standing(last.left, last.left === 0, wait);
      heard.delete(subject);
      return null;
    },
  };
}

function soon<T>(answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no count in time')), PATIENCE);
    answer.finally(() => clearTimeout(timer)).then(resolve, reject);
  });
}
