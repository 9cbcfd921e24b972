import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import type { AuditTrail, TrailEvent, TrailFilter } from '../audit/trail.ts';
import type { Milliseconds } from '../lib/duration.ts';
import { accountFilter, type FilterOptions, parseFilter, withFilters } from './audit-filter.ts';
import { entryJson, lineOf } from './audit-words.ts';
import { action, type Cli } from './command.ts';
import { UsageFailure } from './failure.ts';
import { printable } from './layout.ts';
import { withStores } from './stores.ts';

const LOOK_EVERY: Milliseconds = 1_000;
const MOST = 10_000;
const SLICE = 500;

interface ListOptions extends FilterOptions {
  limit: string;
  follow?: boolean;
}

export function auditList(cli: Cli): Command {
  const made = action('list', 'show what happened, the latest last', {
    examples: ['audit list --account ada@example.org --since 7d', 'audit list --event sign_in.failed --follow'],
  });
  return withFilters(made)
    .option('--limit <n>', `at most so many, the latest ones; up to ${MOST}`, '100')
    .option('--follow', 'go on until interrupted, with what is sealed from then on; with --json, a line for each')
    .action((options: ListOptions) => list(cli, options));
}

async function list(cli: Cli, { limit, follow = false, ...options }: ListOptions): Promise<void> {
  const count = Number(limit);
  if (!Number.isInteger(count) || count < 1 || count > MOST) {
    throw new UsageFailure(`--limit must be a whole number from 1 to ${MOST}, not "${limit}"`);
  }
  const filter = parseFilter(options, cli.clock);
  await withStores(cli, {}, async ({ stores }) => {
    const { auditTrail: trail, accounts } = stores;
    const all = { ...filter, ...(await accountFilter(stores, options)) };
    const emails = new Map((await accounts.list()).map(({ id, email }) => [id, email]));
    const nameOf = (id: string) => emails.get(id) ?? id;
    if (follow) {
      const print = (entry: TrailEvent) =>
        process.stdout.write(`${cli.out.json ? JSON.stringify(entryJson(entry)) : printable(lineOf(entry, nameOf))}\n`);
      return followOn(trail, all, count, print);
    }
    const events = (await trail.latest(count, all)).reverse();
    const lines = events.map((entry) => printable(lineOf(entry, nameOf)));
    cli.out.result(lines.length > 0 ? lines.join('\n') : 'There is no such event.', events.map(entryJson));
  });
}

/** By number, so that each is shown once: events are not written in the order of their times. */
async function followOn(
  trail: AuditTrail,
  filter: TrailFilter,
  count: number,
  print: (entry: TrailEvent) => void,
): Promise<void> {
  const before = (await trail.latest(count, filter)).filter(({ sequence }) => sequence !== null);
  let last = 0;
  for (const entry of before.sort((a, b) => Number(a.sequence) - Number(b.sequence))) {
    print(entry);
    last = Number(entry.sequence);
  }
  // Whoever reads no longer has closed the pipe.
  while (!process.stdout.destroyed) {
    const entries = await trail.after(last, SLICE, filter);
    for (const entry of entries) print(entry);
    last = entries.at(-1)?.sequence ?? last;
    if (entries.length < SLICE) await pause(LOOK_EVERY);
  }
}
