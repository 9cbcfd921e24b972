import { Conflict } from '../../lib/errors.ts';

/** Turns a violated unique index into a `Conflict` that names what is taken. */
export async function orConflict<T>(what: string, write: Promise<T>): Promise<T> {
  try {
    return await write;
  } catch (err) {
    if ((err as { code?: string }).code === 'P2002') throw new Conflict(what, { cause: err });
    throw err;
  }
}
