import type { Pool } from 'pg';
import type { Subject } from '../artifact-rows.ts';
import type { Marks } from '../marks.ts';
import { prepare } from './prepare.ts';

export function postgresqlMarks(pool: Pool): Marks {
  const sql = {
    markOnce: prepare(
      pool,
      'marks.mark_once',
      `INSERT INTO death (subject, expires_at) SELECT $1, $2
       WHERE NOT EXISTS (SELECT 1 FROM death WHERE subject = ANY ($3)) ON CONFLICT (subject) DO NOTHING`,
    ),
    marked: prepare<{ subject: Subject }>(pool, 'marks.marked', 'SELECT subject FROM death WHERE subject = ANY ($1)'),
  };

  return {
    markOnce: async (subject, until, unless) => (await sql.markOnce(subject, until, unless)).rowCount === 1,
    async marked(subjects) {
      const { rows } = await sql.marked(subjects);
      return new Set(rows.map(({ subject }) => subject));
    },
  };
}
