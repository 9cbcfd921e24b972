import type { Pool } from 'pg';
import type { Subject } from '../artifact-rows.ts';
import type { Marks } from '../marks.ts';
import { prepare } from './prepare.ts';

export function postgresqlMarks(pool: Pool): Marks {
  const sql = {
    markOnce: prepare(
      pool,
      'marks.mark_once',
      'INSERT INTO death (subject, expires_at) VALUES ($1, $2) ON CONFLICT (subject) DO NOTHING',
    ),
    marked: prepare<{ subject: Subject }>(pool, 'marks.marked', 'SELECT subject FROM death WHERE subject = ANY ($1)'),
  };

  return {
    markOnce: async (subject, until) => (await sql.markOnce(subject, until)).rowCount === 1,
    async marked(subjects) {
      const { rows } = await sql.marked(subjects);
      return new Set(rows.map(({ subject }) => subject));
    },
  };
}
