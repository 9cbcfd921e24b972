import type { DatabaseSync } from 'node:sqlite';
import type { SealedRows } from '../reseal.ts';

const PLACE = 'artifact/';

export function sqliteSealedArtifacts(db: DatabaseSync): SealedRows {
  const sql = {
    slice:
      db.prepare(`SELECT kind, id_hash, CASE substr(sealed, 1, 8) WHEN ? THEN substr(sealed, 1, 8) ELSE sealed END AS sealed
      FROM artifact WHERE (kind, id_hash) > (?, ?) ORDER BY kind, id_hash LIMIT ?`),
    count: db.prepare('SELECT substr(sealed, 1, 8) AS key_id, count(*) AS count FROM artifact GROUP BY 1'),
    replace: db.prepare('UPDATE artifact SET sealed = ? WHERE kind = ? AND id_hash = ? AND sealed = ?'),
  };
  const kindOf = (place: string) => place.slice(PLACE.length);

  return {
    async slice(after, limit, current) {
      const rows = sql.slice.all(Buffer.from(current), kindOf(after?.place ?? ''), after?.record ?? '', limit);
      return rows.map((row) => ({
        place: `${PLACE}${row['kind']}`,
        record: String(row['id_hash']),
        sealed: row['sealed'] as Uint8Array,
      }));
    },
    async count() {
      const rows = sql.count.all().map((row) => [row['key_id'] as Uint8Array, Number(row['count'])] as const);
      return new Map(rows.map(([keyId, count]) => [Buffer.from(keyId).toString('latin1'), count]));
    },
    replace: async ({ place, record, sealed: old }, sealed) =>
      sql.replace.run(sealed, kindOf(place), record, old).changes === 1,
  };
}
