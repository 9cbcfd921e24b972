import type { Pool } from 'pg';
import type { Milliseconds } from '../../lib/duration.ts';
import { type AttemptStore, type Blocked, LONGEST_WAIT, ROW_MEMORY, UNTIL_LIFTED } from '../../limits/attempt-store.ts';
import { prepare } from './prepare.ts';

export function postgresqlAttempts(pool: Pool): AttemptStore {
  const sql = {
    take: prepare<{ until: Milliseconds; begins: boolean }>(
      pool,
      'attempts.take',
      `SELECT block_until AS until, block_begins AS begins FROM take_attempt($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    ),
    refund: prepare(
      pool,
      'attempts.refund',
      `UPDATE attempt SET count = greatest(count - 1, 0), consecutive = 0, strikes = 0
       WHERE subject = $1 AND blocked_until = 0`,
    ),
    withdraw: prepare(
      pool,
      'attempts.withdraw',
      `UPDATE attempt SET count = greatest(count - 1, 0), consecutive = greatest(consecutive - 1, 0)
       WHERE subject = $1`,
    ),
    endWait: prepare(
      pool,
      'attempts.endWait',
      'UPDATE attempt SET count = 0, window_ends_at = 0, blocked_until = 0 WHERE subject = $1 AND blocked_until < $2',
    ),
    clear: prepare(pool, 'attempts.clear', 'DELETE FROM attempt WHERE subject = $1'),
    clearNaming: prepare(pool, 'attempts.clearNaming', 'DELETE FROM attempt WHERE strpos(subject, $1) > 0'),
    clearBlocked: prepare(pool, 'attempts.clearBlocked', 'DELETE FROM attempt WHERE blocked_until > $1'),
    blocked: prepare<Blocked>(
      pool,
      'attempts.blocked',
      `SELECT subject, blocked_until AS until FROM attempt WHERE blocked_until > $1
       ORDER BY blocked_until DESC, subject COLLATE "C"`,
    ),
  };

  return {
    async take(subject, { limit, window, waitGrows, maxConsecutive }, now) {
      const rule = [limit, window, waitGrows, maxConsecutive];
      const { rows } = await sql.take(subject, ...rule, LONGEST_WAIT, ROW_MEMORY, UNTIL_LIFTED, now);
      return rows[0] ?? null;
    },
    async refund(subject) {
      await sql.refund(subject);
    },
    async withdraw(subject) {
      await sql.withdraw(subject);
    },
    async endWait(subject) {
      await sql.endWait(subject, UNTIL_LIFTED);
    },
    async clear(subject) {
      await sql.clear(subject);
    },
    async clearNaming(part) {
      await sql.clearNaming(part);
    },
    clearBlocked: async (now) => (await sql.clearBlocked(now)).rowCount ?? 0,
    blocked: async (now) => (await sql.blocked(now)).rows,
  };
}
