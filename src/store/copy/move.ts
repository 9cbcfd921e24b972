import type { Clock } from '../../lib/clock.ts';
import { OperatorProblem } from '../../lib/errors.ts';
import { openKeyring } from '../../lib/keyring.ts';
import { createSealer } from '../../lib/sealing.ts';
import { nameOf } from '../postgresql/pool.ts';
import { checkIdentity } from '../prisma/installation.ts';
import { createDigest, type Digest } from './digest.ts';
import { openSource, type Source } from './source.ts';
import type { Value } from './tables.ts';
import { notEmpty, openTarget, type Target } from './target.ts';
import { toText } from './values.ts';

const INSERTED_AT_ONCE = 500;

export interface Compared extends Digest {
  table: string;
}

type OnRows = (count: number) => void;

/**
 * An embedded installation on its way to PostgreSQL. The steps are called in the order in which they stand here; after a
 * crash between any two of them a new move begins again, or finishes what is left, and at no point can both sides be
 * served from. `isLeft`: an earlier run did all but the last.
 */
export interface Move {
  from: { issuer: string };
  to: string;
  /** Of all tables. */
  rows: number;
  /** What remains is to arrive, to compare, to commit and to open. */
  isLeft: boolean;
  /** The target is ours, and refuses to be served from. */
  arrive(): Promise<void>;
  /** Left out where `isLeft`. */
  copy(onRows: OnRows): Promise<void>;
  /** Reads both sides. @throws {OperatorProblem} where they differ */
  compare(onRows: OnRows): Promise<Compared[]>;
  commit(): Promise<void>;
  freezeState(): void;
  leave(): void;
  open(): Promise<void>;
  close(): Promise<void>;
}

/** @throws {OperatorProblem} */
export async function openMove({
  issuer,
  folders,
  to,
  clock,
}: {
  issuer: string;
  folders: { data: string; keys: string };
  to: string;
  clock: Clock;
}): Promise<Move> {
  const target = await openTarget({ url: to, clock });
  let source: Source | undefined;
  try {
    source = openSource({ folder: folders.data, to: nameOf(to), at: clock() }, (known) => {
      const keyring = openKeyring(folders.keys, { mayCreate: false });
      checkIdentity(known, { issuer, keyringId: keyring.id });
      return createSealer(keyring);
    });
    await checkEnds(source, target);
    return moveBetween(source, target);
  } catch (err) {
    source?.close();
    await target.close();
    throw err;
  }
}

async function checkEnds({ installation }: Source, target: Target): Promise<void> {
  const isLeft = installation.standing === 'left';
  if (isLeft && installation.leftFor !== target.name) {
    throw new OperatorProblem(
      `this installation was moved to ${installation.leftFor}: set DATABASE_URL to it, or go back with npx gatewright database reopen`,
    );
  }
  const standing = await target.standing(installation);
  if (standing === 'open' && isLeft) {
    throw new OperatorProblem(`this installation has been moved to ${target.name} already: set DATABASE_URL to it`);
  }
  if (standing === 'arriving' || (standing === 'empty' && !isLeft)) return;
  if (!isLeft) throw notEmpty(target.name);
  throw new OperatorProblem(
    `this installation was moved to ${target.name}, which does not hold it any more: restore that database, or go back with npx gatewright database reopen`,
  );
}

function moveBetween(source: Source, target: Target): Move {
  const tables = source.tables.map(({ table }) => table);
  const isLeft = source.installation.standing === 'left';
  return {
    from: source.installation,
    to: target.name,
    rows: source.tables.reduce((sum, { count }) => sum + count, 0),
    isLeft,
    async arrive() {
      await target.claim(source.installation, tables);
      await target.begin();
    },
    async copy(onRows) {
      await target.clear(tables);
      for (const { table, rows } of source.tables) {
        for (const batch of inBatches(rows())) {
          await target.insert(table, batch);
          onRows(batch.length);
        }
      }
    },
    compare: (onRows) => compare(source, target, onRows),
    commit: () => target.commit(),
    freezeState: () => source.freezeState(),
    leave: () => source.leave(),
    open: () => target.open(),
    async close() {
      source.close();
      await target.close();
    },
  };
}

async function compare(source: Source, target: Target, onRows: OnRows): Promise<Compared[]> {
  const compared: Compared[] = [];
  for (const { table, rows } of source.tables) {
    const here = createDigest();
    for (const row of rows()) here.add(table.columns.map((column, at) => toText(column, row[at] ?? null)));
    const there = await target.digest(table, onRows);
    const { rows: count, sha256 } = here.result();
    if (there.sha256 !== sha256) {
      throw new OperatorProblem(
        `the table ${table.name} differs after the copy (${count} rows here, ${there.rows} there): nothing was moved; look at the log of PostgreSQL, and run it again`,
      );
    }
    compared.push({ table: table.name, rows: count, sha256 });
  }
  return compared;
}

function* inBatches(rows: Iterable<Value[]>): Generator<Value[][]> {
  let batch: Value[][] = [];
  for (const row of rows) {
    batch.push(row);
    if (batch.length < INSERTED_AT_ONCE) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
