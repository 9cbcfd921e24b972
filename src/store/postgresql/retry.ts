import { DatabaseError } from 'pg';

/** deadlock_detected, serialization_failure: the server undid the whole statement and asks for it again. */
const UNDONE = ['40P01', '40001'];
const TRIES = 5;

/** Runs what is one transaction by itself, again where the server gave it up for the sake of another. */
export async function retried<T>(transaction: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await transaction();
    } catch (err) {
      if (tries === TRIES || !isUndone(err)) throw err;
    }
  }
}

function isUndone(err: unknown): boolean {
  return err instanceof DatabaseError && UNDONE.includes(err.code ?? '');
}
