import { type CustomTypesConfig, type Pool, type QueryResult, types } from 'pg';
import { retried } from './retry.ts';

type Value = string | number | boolean | null | Uint8Array | readonly string[];

/** int8 as a number instead of text: the times and counts kept here are below 2^53. */
const withNumbers: CustomTypesConfig = {
  getTypeParser: (oid, format) => (oid === types.builtins.INT8 ? Number : types.getTypeParser(oid, format)),
};

/**
 * A statement that each connection parses once, and a transaction by itself.
 * @param name its own among all statements of the program
 */
export function prepare<Row extends object = never>(
  pool: Pool,
  name: string,
  text: string,
): (...values: Value[]) => Promise<QueryResult<Row>> {
  return (...values) => retried(() => pool.query<Row, Value[]>({ name, text, values, types: withNumbers }));
}
