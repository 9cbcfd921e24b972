import { describe, expect, it } from 'vitest';
import { DAY, HOUR, toMilliseconds } from '../../src/lib/duration.ts';
import { postgresqlRates, sweepRates } from '../../src/store/postgresql/rates.ts';
import { openPostgresqlState } from '../support/postgresql-stores.ts';
import { LONGEST } from '../support/stores.ts';
import { keys } from './artifacts.contract.ts';
import { rateStoreContract } from './rates.contract.ts';

const TABLES = ['artifact', 'session', 'session_authorization', 'death', 'attempt', 'progress'];
const rule = { limit: 1, window: 1000, waitGrows: false, maxConsecutive: null };

/** One of everything that expires. */
async function fill(
  { artifacts, attempts, progress, clock }: Awaited<ReturnType<typeof openPostgresqlState>>,
  name: string,
) {
  const expiresAt = clock() + toMilliseconds(HOUR);
  await artifacts.put('Grant', name, {}, keys({ grantId: name }), expiresAt);
  await artifacts.put('Session', name, { authorizations: { web: { grantId: name } } }, keys({ uid: name }), expiresAt);
  await artifacts.deny(name, expiresAt);
  await attempts.take(name, rule, clock());
  await progress('flow').save(name, {}, 0, expiresAt);
}

describe('protocol state in PostgreSQL', () => {
  it('is swept of what expired, and of nothing else', async () => {
    const state = await openPostgresqlState();
    const { artifacts, attempts, progress, clock, sweep } = state;
    await fill(state, 'old');
    clock.forward(3 * DAY);
    await fill(state, 'new');

    expect(await sweep()).toBe(7);
    expect(await sweep()).toBe(0);
    expect(await artifacts.isDenied('old')).toBe(false);
    expect(await artifacts.isDenied('new')).toBe(true);
    expect((await artifacts.getSessionByUid('new'))?.payload).toHaveProperty('authorizations.web');
    expect(await artifacts.get('Grant', 'new')).not.toBeNull();
    expect(await progress('flow').load('new')).not.toBeNull();
    expect(await attempts.take('new', rule, clock())).not.toBeNull();
  });

  it('is swept of all authorizations of a session that expired, however many and whenever claimed', async () => {
    const { artifacts, clock, later, query, sweep } = await openPostgresqlState();
    const expiresAt = later();
    for (const uid of ['old', 'new']) {
      const authorizations = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`c${index}`, {}]));
      const lives = uid === 'old' ? expiresAt : expiresAt + toMilliseconds(DAY);
      await artifacts.put('Session', uid, { authorizations }, keys({ uid }), lives);
      await artifacts.claimAuthorization(uid, 'late', { sid: 's', grantId: 'g' });
    }
    clock.forward(HOUR + 1);
    await sweep();
    const left = await query('SELECT uid, count(*)::int FROM session_authorization GROUP BY uid');
    expect(left).toEqual([{ uid: 'new', count: 501 }]);
  });

  it('is swept by one instance at a time, in batches that end', async () => {
    const { clock, query, slowly, sweep, count } = await openPostgresqlState();
    await query(`INSERT INTO death SELECT 'grant:' || n, 0 FROM generate_series(1, 500) n`);
    const slow = await slowly();
    await slow.connection.query('SELECT sweep_state(0)');
    expect(await sweep()).toBe(0);
    await slow.commit();

    expect(clock()).toBeGreaterThan(0);
    const batches: number[] = [];
    for (let swept = await sweep(); swept > 0; swept = await sweep()) batches.push(swept);
    expect(batches.length).toBeGreaterThan(1);
    expect(batches.reduce((sum, swept) => sum + swept)).toBe(500);
    expect(await count('death')).toBe(0);
  });

  it('keeps a session that is saved again while it is swept, and does not wait for it', async () => {
    const { artifacts, clock, slowly, saveSession, sweep } = await openPostgresqlState();
    await saveSession(artifacts, 'id', { web: { grantId: 'g' } });
    clock.forward(2 * HOUR);
    const slow = await slowly();
    await saveSession(slow.artifacts, 'id', { app: { grantId: 'g-2' } });
    expect(await sweep()).toBe(0);
    await slow.commit();
    expect(await sweep()).toBe(0);
    expect(Object.keys((await artifacts.getSessionByUid('uid'))?.payload['authorizations'] ?? {})).toEqual([
      'app',
      'web',
    ]);
  });

  it('is found without looking through the rest of it', async () => {
    // One connection: the statistics of its statements are its own to publish.
    const state = await openPostgresqlState({ connections: 1, pristine: true });
    const { artifacts, attempts, progress, marks, clock, later, query, saveGrant, saveSession, sweep } = state;
    const many = 20_000;
    const at = clock() + toMilliseconds(LONGEST);
    await query(
      `INSERT INTO artifact SELECT (ARRAY['Grant', 'RefreshToken', 'Session'])[1 + n % 3], 'h' || n, 'u' || n, 'g' || n,
         'a' || n % 5000, 'c' || n % 5000, $1::bigint, $1::bigint, NULL, ARRAY['grant:g' || n], ''
       FROM generate_series(1, ${many}) n`,
      [at],
    );
    await query(
      `INSERT INTO session SELECT 'u' || n, 'a' || n, $1::bigint, 0, $1::bigint FROM generate_series(1, ${many}) n`,
      [at],
    );
    await query(
      `INSERT INTO session_authorization SELECT 'u' || n, 'c' || n % 5000, NULL, 'g' || n, false FROM generate_series(1, ${many}) n`,
    );
    await query(`INSERT INTO death SELECT 'grant:x' || n, $1::bigint FROM generate_series(1, ${many}) n`, [at]);
    await query(`INSERT INTO attempt SELECT 's' || n, 0, 0, 0, 0, 0, $1::bigint FROM generate_series(1, ${many}) n`, [
      at,
    ]);
    await query(`INSERT INTO progress SELECT 'p' || n, 0, $1::bigint, '' FROM generate_series(1, ${many}) n`, [at]);
    await query(`ANALYZE ${TABLES.join(', ')}`);
    const read = async () => {
      await query('SELECT pg_stat_force_next_flush()');
      const rows = await query(
        `SELECT relname AS name, (seq_tup_read + coalesce((SELECT sum(idx_tup_read) FROM pg_stat_user_indexes AS i
           WHERE i.relid = t.relid), 0))::int AS tuples
         FROM pg_stat_user_tables AS t WHERE relname = ANY ($1)`,
        [TABLES],
      );
      return Object.fromEntries(rows.map(({ name, tuples }) => [String(name), Number(tuples)]));
    };

    // The plans of the first runs know the values; those of a server that has run for a while do not.
    await query('SET plan_cache_mode = force_generic_plan');
    const before = await read();
    await saveGrant(artifacts, 'g');
    await saveSession(artifacts, 'id', { web: { grantId: 'g' } });
    await saveSession(artifacts, 'id-2', {}, 'uid-2');
    await artifacts.putOnce('RefreshToken', 'token', {}, keys({ grantId: 'g' }), later());
    await artifacts.get('Session', 'id');
    await artifacts.get('RefreshToken', 'token');
    await artifacts.getSessionByUid('uid');
    await artifacts.consume('RefreshToken', 'token');
    await artifacts.delete('RefreshToken', 'token');
    await artifacts.claimAuthorization('uid', 'web', { sid: 's', grantId: 'g' });
    await artifacts.authorizationsOf('acc_ada', clock());
    await artifacts.dropAuthorization('uid', 'web');
    await artifacts.retireSessionId('id');
    await artifacts.endSession('id-2');
    await artifacts.endGrant('g');
    await artifacts.endAccount('acc_ada', clock());
    await artifacts.endClient('web', clock());
    await artifacts.endClient('c7', clock());
    await artifacts.deny('jti', later());
    await artifacts.isDenied('jti');
    await marks.markOnce('grant:other', later(), []);
    await marks.marked(['grant:other', 'grant:g']);
    await attempts.take('ada', rule, clock());
    await attempts.withdraw('ada');
    await attempts.refund('ada');
    await attempts.clear('ada');
    await progress('flow').save('id', {}, 0, later());
    await progress('flow').save('id', {}, 1, later());
    await progress('flow').load('id');
    await sweep();
    const after = await read();

    for (const table of TABLES) {
      const tuples = (after[table] ?? 0) - (before[table] ?? 0);
      expect([table, tuples > 0, tuples < 200]).toEqual([table, true, true]);
    }
  });
});

rateStoreContract('PostgreSQL', async () => {
  const { pool } = await openPostgresqlState();
  return () => postgresqlRates(pool);
});

describe('counts of requests in PostgreSQL', () => {
  it('are swept when they have run out', async () => {
    const { pool, count } = await openPostgresqlState();
    await postgresqlRates(pool).counter({ name: 'address', limit: 5, window: 60 })('ada');
    expect(await sweepRates(pool, Date.now())).toBe(0);
    expect(await count('rate')).toBe(1);
    expect(await sweepRates(pool, Date.now() + 61_000)).toBe(1);
    expect(await count('rate')).toBe(0);
  });
});
