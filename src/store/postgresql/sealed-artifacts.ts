import type { Pool } from 'pg';
import type { SealedRows } from '../reseal.ts';
import { prepare } from './prepare.ts';

const PLACE = 'artifact/';

export function postgresqlSealedArtifacts(pool: Pool): SealedRows {
  const sql = {
    slice: prepare<{ kind: string; record: string; sealed: Uint8Array }>(
      pool,
      'artifact.sealed_slice',
      `SELECT kind, id_hash AS record,
         CASE substr(sealed, 1, 8) WHEN $1::bytea THEN substr(sealed, 1, 8) ELSE sealed END AS sealed
       FROM artifact WHERE (kind, id_hash) > ($2, $3) ORDER BY kind, id_hash LIMIT $4`,
    ),
    count: prepare<{ keyId: Uint8Array; count: number }>(
      pool,
      'artifact.sealed_count',
      'SELECT substr(sealed, 1, 8) AS "keyId", count(*) AS count FROM artifact GROUP BY 1',
    ),
    replace: prepare(
      pool,
      'artifact.seal_anew',
      'UPDATE artifact SET sealed = $1 WHERE kind = $2 AND id_hash = $3 AND sealed = $4',
    ),
  };
  const kindOf = (place: string) => place.slice(PLACE.length);

  return {
    async slice(after, limit, current) {
      const position = [kindOf(after?.place ?? ''), after?.record ?? ''];
      const { rows } = await sql.slice(Buffer.from(current), ...position, limit);
      return rows.map(({ kind, record, sealed }) => ({ place: `${PLACE}${kind}`, record, sealed }));
    },
    async count() {
      const { rows } = await sql.count();
      return new Map(rows.map(({ keyId, count }) => [Buffer.from(keyId).toString('latin1'), count]));
    },
    replace: async ({ place, record, sealed: old }, sealed) =>
      (await sql.replace(sealed, kindOf(place), record, old)).rowCount === 1,
  };
}
