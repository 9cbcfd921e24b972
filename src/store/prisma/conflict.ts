import { Conflict } from '../../lib/errors.ts';
import { NothingDone } from './change.ts';

const UNIQUE = 'P2002';
const FOREIGN_KEY = 'P2003';

/** Turns a violated unique index into a `Conflict` that names what is taken. */
export async function orConflict<T>(what: string, write: Promise<T>): Promise<T> {
  try {
    return await write;
  } catch (err) {
    if (codeOf(err) === UNIQUE) throw new Conflict(what, { cause: err });
    throw err;
  }
}

/** Takes the transaction back where the row is there already, or one that it points at is not (any more). */
export async function orNothingDone(write: Promise<unknown>): Promise<{ count: number }> {
  try {
    await write;
    return { count: 1 };
  } catch (err) {
    if ([UNIQUE, FOREIGN_KEY].includes(codeOf(err) ?? '')) throw new NothingDone();
    throw err;
  }
}

function codeOf(err: unknown): string | undefined {
  return (err as { code?: string }).code;
}
