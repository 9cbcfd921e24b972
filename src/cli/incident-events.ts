import type { AuditTrail, TrailEvent, TrailFilter } from '../audit/trail.ts';
import type { Milliseconds } from '../lib/duration.ts';

/** Of what came before, and as many of what the incident itself did: neither takes room from the other. */
const MOST = 10_000;

export interface Happened {
  /** The oldest first. */
  events: TrailEvent[];
  /** The trail has more than the report. */
  eventsLeftOut: boolean;
}

/** What the audit trail has of an incident. @param openedAt what is younger is its own */
export async function eventsAround(
  trail: Pick<AuditTrail, 'latest'>,
  about: Pick<TrailFilter, 'accountId' | 'clientId'>,
  { since, openedAt }: { since: Milliseconds; openedAt: Milliseconds },
): Promise<Happened> {
  const own = await trail.latest(MOST + 1, { ...about, since: Math.max(since, openedAt) });
  const before = await trail.latest(MOST + 1, { ...about, since, until: openedAt });
  const events = [...own.slice(0, MOST), ...before.slice(0, MOST)].reverse();
  return { events, eventsLeftOut: events.length < own.length + before.length };
}
