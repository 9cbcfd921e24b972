import { Client } from 'pg';

const COLUMNS = `
  SELECT table_name AS "table", format('%s.%s %s(%s) null %s default %s', table_name, column_name, data_type,
    datetime_precision, is_nullable, column_default) AS line
  FROM information_schema.columns WHERE table_schema = 'public'`;
// What may not be null is said of the columns.
const CONSTRAINTS = `
  SELECT relname AS "table", format('%s.%s %s', relname, conname, pg_get_constraintdef(pg_constraint.oid)) AS line
  FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
  WHERE connamespace = 'public'::regnamespace AND contype <> 'n'`;
const INDEXES = `SELECT tablename AS "table", indexdef AS line FROM pg_indexes WHERE schemaname = 'public'`;

/** What PostgreSQL says of its tables: per table a line for each column, constraint and index. */
export async function catalogueOf(url: string): Promise<Map<string, string[]>> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ table: string; line: string }>(
      `${COLUMNS} UNION ALL ${CONSTRAINTS} UNION ALL ${INDEXES}`,
    );
    const tables = Map.groupBy(rows, ({ table }) => table);
    return new Map([...tables].map(([table, lines]) => [table, lines.map(({ line }) => line).sort()]));
  } finally {
    await client.end();
  }
}
