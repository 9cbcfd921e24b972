import { OperatorProblem } from '../../lib/errors.ts';
import type { Sealer } from '../../lib/sealing.ts';
import { keysOf } from '../../oidc/artifact-keys.ts';
import type { ArtifactKind, Payload } from '../../oidc/artifact-store.ts';
import { fallsWith } from '../falls-with.ts';
import type { Column, Table, Value } from './tables.ts';

/** In SQLite a write names what it falls with; PostgreSQL keeps that with the row. */
const FALLS_WITH: Column = { name: 'falls_with', type: 'texts' };

export interface Derived {
  table: Table;
  /** Appends what SQLite does not keep. */
  complete(row: Value[]): Value[];
}

/** That a token is bound to a session stands only in its sealed payload. */
export function withSubjects(table: Table, sealer: Sealer): Derived {
  if (table.name !== 'artifact') return { table, complete: (row) => row };
  const position = (name: string) => table.columns.findIndex((column) => column.name === name);
  type Positions = [number, number, number, number, number];
  const names = ['kind', 'id_hash', 'uid', 'grant_id', 'sealed'];
  const [kindAt, idAt, uidAt, grantAt, sealedAt] = names.map(position) as Positions;

  function subjectsOf(row: Value[]): string[] {
    const kind = row[kindAt] as ArtifactKind;
    const idHash = String(row[idAt]);
    const keys = keysOf(kind, open(kind, idHash, row[sealedAt] as Uint8Array));
    // Not every payload repeats what the row was written with.
    const [uid, grantId] = [row[uidAt], row[grantAt]] as (string | null)[];
    return fallsWith(kind, idHash, { ...keys, uid: uid ?? null, grantId: grantId ?? null });
  }

  function open(kind: ArtifactKind, idHash: string, sealed: Uint8Array): Payload {
    try {
      return JSON.parse(sealer.unseal(`artifact/${kind}`, idHash, sealed)) as Payload;
    } catch (err) {
      throw new OperatorProblem(
        `a row of the table artifact (${kind} ${idHash}) cannot be opened with this keyring: put back the keyring.json that belongs to the data`,
        { cause: err },
      );
    }
  }

  return {
    table: { ...table, columns: [...table.columns, FALLS_WITH] },
    complete: (row) => [...row, subjectsOf(row)],
  };
}
