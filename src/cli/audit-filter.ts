import type { Command } from 'commander';
import type { TrailFilter } from '../audit/trail.ts';
import type { Clock } from '../lib/clock.ts';
import { type Milliseconds, toMilliseconds } from '../lib/duration.ts';
import type { Stores } from '../store/open.ts';
import { EVENTS, isEvent } from './audit-words.ts';
import { UsageFailure } from './failure.ts';
import { lengthOfTime } from './length-of-time.ts';

export interface FilterOptions {
  account?: string;
  client?: string;
  event?: string;
  since?: string;
  until?: string;
}

export function withFilters(command: Command): Command {
  return command
    .option('--account <account>', 'done by this account or to it: its id, also of one that was deleted, or email')
    .option('--client <id>', 'at this client')
    .option('--event <name>', 'of this kind, such as sign_in.failed')
    .option('--since <time>', 'a date, an instant (2026-11-21T12:00Z), or how long ago (30m, 12h, 7d)')
    .option('--until <time>', 'the same');
}

/** @throws {UsageFailure} */
export function parseFilter({ client, event, since, until }: FilterOptions, clock: Clock): TrailFilter {
  if (event !== undefined && !isEvent(event)) {
    throw new UsageFailure(`there is no event ${event}: there are ${EVENTS.join(', ')}`);
  }
  return {
    ...(client !== undefined && { clientId: client }),
    ...(event !== undefined && { event }),
    ...(since !== undefined && { since: parseTime('--since', since, clock) }),
    ...(until !== undefined && { until: parseTime('--until', until, clock) }),
  };
}

/** An id is taken as it is: who was deleted is in the trail still. */
export async function accountFilter(
  { accounts }: Pick<Stores, 'accounts'>,
  { account }: FilterOptions,
): Promise<TrailFilter> {
  if (account === undefined) return {};
  if (!account.includes('@')) return { accountId: account };
  const { existingAccount } = await import('./existing-account.ts');
  return { accountId: (await existingAccount(accounts, account)).id };
}

/** @throws {UsageFailure} */
export function parseAge(option: string, text: string): Milliseconds {
  const age = lengthOfTime(text);
  if (!age) throw new UsageFailure(`${option} must be a length of time such as 30m, 12h or 400d, not "${text}"`);
  return toMilliseconds(age);
}

function parseTime(option: string, text: string, clock: Clock): Milliseconds {
  if (/^\d+[smhd]$/.test(text)) return clock() - parseAge(option, text);
  const at = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) {
    throw new UsageFailure(`${option} must be a date, an instant such as 2026-11-21T12:00Z, or 12h ago as 12h`);
  }
  return at;
}
