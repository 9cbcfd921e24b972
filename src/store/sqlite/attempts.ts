import type { DatabaseSync } from 'node:sqlite';
import type { Milliseconds } from '../../lib/duration.ts';

import {
  type AttemptRule,
  type AttemptStore,
  type Block,
  LONGEST_WAIT,
  ROW_MEMORY,
  UNTIL_LIFTED,
} from '../../limits/attempt-store.ts';
import { inTransaction } from './state-file.ts';

export function sqliteAttempts(db: DatabaseSync): AttemptStore {
  const sql = {
    get: db.prepare('SELECT * FROM attempt WHERE subject = ?'),
    put: db.prepare(`INSERT INTO attempt VALUES
      (:subject, :count, :consecutive, :strikes, :windowEndsAt, :blockedUntil, :expiresAt)
      ON CONFLICT (subject) DO UPDATE SET count = excluded.count, consecutive = excluded.consecutive,
        strikes = excluded.strikes, window_ends_at = excluded.window_ends_at,
        blocked_until = excluded.blocked_until, expires_at = excluded.expires_at`),
    refund: db.prepare(
      'UPDATE attempt SET count = max(count - 1, 0), consecutive = 0, strikes = 0 WHERE subject = ? AND blocked_until = 0',
    ),
    withdraw: db.prepare(
      'UPDATE attempt SET count = max(count - 1, 0), consecutive = max(consecutive - 1, 0) WHERE subject = ?',
    ),
    endWait: db.prepare(
      'UPDATE attempt SET count = 0, window_ends_at = 0, blocked_until = 0 WHERE subject = ? AND blocked_until < ?',
    ),
    clear: db.prepare('DELETE FROM attempt WHERE subject = ?'),
    clearNaming: db.prepare('DELETE FROM attempt WHERE instr(subject, ?) > 0'),
    clearBlocked: db.prepare('DELETE FROM attempt WHERE blocked_until > ?'),
    blocked: db.prepare(
      'SELECT subject, blocked_until FROM attempt WHERE blocked_until > ? ORDER BY blocked_until DESC, subject',
    ),
  };

  function take(subject: string, rule: AttemptRule, now: Milliseconds): Block | null {
    const row = sql.get.get(subject);
    const blockedUntil = Number(row?.['blocked_until'] ?? 0);
    if (blockedUntil > now) return { until: blockedUntil, begins: false };

    const sameWindow = row !== undefined && Number(row['window_ends_at']) > now && blockedUntil === 0;
    const count = (sameWindow ? Number(row['count']) : 0) + 1;
    const windowEndsAt = sameWindow ? Number(row['window_ends_at']) : now + rule.window;
    const consecutive = Number(row?.['consecutive'] ?? 0) + 1;
    const strikes = Number(row?.['strikes'] ?? 0);

    const exhausted = rule.maxConsecutive !== null && consecutive > rule.maxConsecutive;
    const refused = exhausted || count > rule.limit;
    const wait = rule.waitGrows ? Math.min(rule.window * 2 ** strikes, LONGEST_WAIT) : rule.window;
    const until = exhausted ? UNTIL_LIFTED : now + wait;

    // Beyond this window, or the wait after it.
    const remembers = rule.waitGrows || rule.maxConsecutive !== null;
    sql.put.run({
      subject,
      count,
      consecutive: refused && !exhausted ? consecutive - 1 : consecutive,
      strikes: refused ? Math.min(strikes + 1, 20) : strikes,
      windowEndsAt,
      blockedUntil: refused ? until : 0,
      expiresAt: exhausted ? UNTIL_LIFTED : now + (remembers ? ROW_MEMORY : rule.window),
    });
    return refused ? { until, begins: true } : null;
  }

  return {
    take: async (subject, rule, now) => inTransaction(db, () => take(subject, rule, now)),
    async refund(subject) {
      sql.refund.run(subject);
    },
    async withdraw(subject) {
      sql.withdraw.run(subject);
    },
    async endWait(subject) {
      sql.endWait.run(subject, UNTIL_LIFTED);
    },
    async clear(subject) {
      sql.clear.run(subject);
    },
    async clearNaming(part) {
      sql.clearNaming.run(part);
    },
    clearBlocked: async (now) => Number(sql.clearBlocked.run(now).changes),
    blocked: async (now) =>
      sql.blocked.all(now).map((row) => ({ subject: String(row['subject']), until: Number(row['blocked_until']) })),
  };
}
