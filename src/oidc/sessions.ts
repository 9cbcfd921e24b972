import { type Clock, systemClock } from '../lib/clock.ts';
import type { Seconds } from '../lib/duration.ts';

/** A session ends when it was idle too long, and at the latest so long after its sign-in. */
export function sessionTtl(
  signedInAt: Seconds | undefined,
  { session, sessionIdle }: { session: Seconds; sessionIdle: Seconds },
  clock: Clock = systemClock,
): Seconds {
  const age = signedInAt === undefined ? 0 : Math.floor(clock() / 1000) - signedInAt;
  return Math.max(1, Math.min(sessionIdle, session - age));
}
