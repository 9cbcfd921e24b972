import Router from '@koa/router';
import type { Clock } from '../lib/clock.ts';
import { type Milliseconds, type Seconds, toMilliseconds } from '../lib/duration.ts';
import type { RequestState } from './request-log.ts';

/** A probe that waits longer has given up itself. */
const PATIENCE: Milliseconds = 2_000;
/** However many ask, and however often. */
const ASKED_EVERY: Milliseconds = 1_000;

/** Something without which nothing works here. */
export interface HealthPart {
  /** @returns `ok`, or a word for what is wrong. To throw means `unavailable`. */
  check: () => Promise<string> | string;
  /** How long a good answer stands. */
  keep?: Seconds;
}

export interface Health {
  routes(): Router;
  /** From now on it is not ready: load balancers send nobody any more. */
  stopping(): void;
}

/** For whoever watches the process. These alone answer under any host name, and name nothing but the part that fails. */
export function createHealth({ parts, clock }: { parts: Record<string, HealthPart>; clock: Clock }): Health {
  const asked = Object.entries(parts).map(([name, part]) => [name, remembered(part, clock)] as const);
  let stopping = false;

  async function words(): Promise<Record<string, string>> {
    return Object.fromEntries(await Promise.all(asked.map(async ([name, ask]) => [name, await ask()])));
  }

  return {
    routes() {
      const router = new Router({ prefix: '/health' });
      router.get('/live', (ctx) => {
        (ctx.state as RequestState).route = '/health/live';
        ctx.set('Cache-Control', 'no-store');
        ctx.body = { status: 'ok' };
      });
      router.get('/ready', async (ctx) => {
        (ctx.state as RequestState).route = '/health/ready';
        const found = await words();
        const isSound = Object.values(found).every((word) => word === 'ok');
        const status = stopping ? 'stopping' : isSound ? 'ok' : 'unavailable';
        ctx.status = status === 'ok' ? 200 : 503;
        ctx.set('Cache-Control', 'no-store');
        ctx.body = { status, ...found };
      });
      return router;
    },
    stopping() {
      stopping = true;
    },
  };
}

/** One question at a time, shared by all who ask meanwhile; one that hangs is not asked again beside itself. */
function remembered({ check, keep = 0 }: HealthPart, clock: Clock): () => Promise<string> {
  let known: { word: string; at: Milliseconds; stands: Milliseconds } | null = null;
  let asking: Promise<string> | null = null;

  async function ask(): Promise<string> {
    const word = await Promise.try(check).catch(() => 'unavailable');
    const stands = word === 'ok' ? Math.max(toMilliseconds(keep), ASKED_EVERY) : ASKED_EVERY;
    known = { word, at: clock(), stands };
    asking = null;
    return word;
  }

  return async () => {
    // A clock that was set back must not let an old answer stand until it has caught up.
    if (known && Math.abs(clock() - known.at) < known.stands) return known.word;
    asking ??= ask();
    return orTimeout(asking);
  };
}

async function orTimeout(work: Promise<string>): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(resolve, PATIENCE, 'timeout');
  return Promise.race([work, promise]).finally(() => clearTimeout(timer));
}
