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
  const [kindAt, idAt, uidAt, sealedAt] = ['kind', 'id_hash', 'uid', 'sealed'].map(position) as [
    number,
    number,
    number,
    number,
  ];

  function subjectsOf(row: Value[]): string[] {
    const kind = row[kindAt] as ArtifactKind;
    const idHash = String(row[idAt]);
    const payload = open(kind, idHash, row[sealedAt] as Uint8Array);
    return fallsWith(kind, idHash, { ...keysOf(kind, payload), uid: row[uidAt] as string | null });
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
