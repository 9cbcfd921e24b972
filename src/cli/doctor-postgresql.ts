import type { Config } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import type { Milliseconds } from '../lib/duration.ts';
import { isPublicAddress } from '../lib/public-address.ts';
import type { PostgresqlState } from '../store/postgresql/inspect.ts';
import { skew, TOLERATED_SKEW } from './doctor-clock.ts';
import { sentenceAbout } from './doctor-failure.ts';
import { type Finding, ok, problem, warning } from './finding.ts';
import { iso } from './layout.ts';

const UNSAFE: Record<string, string> = {
  fsync: 'fsync is off: a crash can destroy the database',
  full_page_writes: 'full_page_writes is off: a crash can destroy the database',
  // A code that was spent could be spent again.
  synchronous_commit: 'synchronous_commit is off: a crash brings back what was spent or revoked a moment before',
};

export async function checkPostgresql({ database }: Config, clock: Clock): Promise<Finding[]> {
  const { url, pool } = database;
  if (url === null) return [];
  const { inspectPostgresql } = await import('../store/postgresql/inspect.ts');
  const before = clock();
  let state: PostgresqlState;
  try {
    state = await inspectPostgresql(url);
  } catch (err) {
    return [problem('postgresql', sentenceAbout(err, 'set DATABASE_URL to where PostgreSQL runs'))];
  }
  const after = clock();
  const { hostname } = new URL(url);
  return [
    ok('postgresql', `version ${state.version}`),
    ...(state.standby ? [problem('postgresql', 'is a standby: set DATABASE_URL to the primary server')] : []),
    ...(!state.encrypted && isPublicAddress(hostname)
      ? [warning('postgresql', 'is reached over the internet in the clear: add ?sslmode=verify-full to DATABASE_URL')]
      : []),
    ...state.unsafe.map((name) => warning('postgresql', `${UNSAFE[name]}: turn it on`)),
    connections(state, pool),
    ...skew('PostgreSQL', state.now, { before, after }),
    ...ahead(state, after),
  ];
}

function connections({ connections: room, others }: PostgresqlState, pool: number): Finding {
  const instances = Math.max(0, Math.floor((room - others) / pool));
  const found = `of ${room} connections others hold ${others}, with DATABASE_POOL=${pool} there is room for`;
  const advice = 'lower DATABASE_POOL, or raise max_connections';
  if (instances === 0) return problem('connections', `${found} no instance: ${advice}`);
  if (instances === 1) return warning('connections', `${found} one instance, and an upgrade runs two: ${advice}`);
  return ok('connections', `${found} ${instances} instances`);
}

function ahead({ newest }: PostgresqlState, now: Milliseconds): Finding[] {
  if (newest === null || newest <= now + TOLERATED_SKEW) return [];
  return [problem('clock', `an instance wrote at ${iso(newest)}, which is yet to come: keep all clocks by NTP`)];
}
