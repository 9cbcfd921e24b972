import { Client, types } from 'pg';
import { closeSqliteFile, openSqliteFile } from '../../src/store/sqlite/sqlite-file.ts';

/** A table of the relational database as its rows, in no particular order; instants are milliseconds. */
export type Rows = Record<string, unknown>[];

/** A database as it is below the stores, through a connection of its own. */
export interface Tables {
  rows(table: string): Promise<Rows>;
  /** Every row of every table, to be compared with a later one. */
  everything(): Promise<string>;
  /** As somebody does who can write to the database, and has no keys. */
  execute(sql: string): Promise<void>;
  /** From now on each insert into this table fails, and its transaction with it. */
  refuseInserts(table: string): Promise<void>;
}

export function sqliteTables(file: string): Tables {
  return tables(
    async (text) => {
      const handle = openSqliteFile({ file });
      try {
        // Of statements that give no rows, `all` wants to know nothing.
        if (!text.startsWith('SELECT')) handle.exec(text);
        const rows = text.startsWith('SELECT') ? (handle.prepare(text).all() as Rows) : [];
        return rows.map(({ _metadata, ...row }) => row);
      } finally {
        closeSqliteFile(handle);
      }
    },
    {
      names: `SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name`,
      refusal: (table) =>
        `CREATE TRIGGER refused BEFORE INSERT ON "${table}" BEGIN SELECT RAISE(ABORT, 'refused'); END`,
    },
  );
}

const TIMESTAMP = 1114;
const BIGINT = 20;

export function postgresqlTables(url: string): Tables {
  const getTypeParser: typeof types.getTypeParser = (oid: number, format?: 'text' | 'binary') =>
    // The models' instants are UTC and say no zone; the driver would take them for the time of this machine.
    oid === TIMESTAMP
      ? (text: string) => Date.parse(`${text}Z`)
      : oid === BIGINT
        ? Number
        : types.getTypeParser(oid, format as 'text');
  return tables(
    async (text) => {
      const client = new Client({ connectionString: url, types: { getTypeParser } });
      await client.connect();
      try {
        return (await client.query(text)).rows as Rows;
      } finally {
        await client.end();
      }
    },
    {
      names: `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`,
      refusal: (table) => `
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$;
        CREATE TRIGGER refused BEFORE INSERT ON "${table}" EXECUTE FUNCTION refuse()`,
    },
  );
}

function tables(
  run: (text: string) => Promise<Rows>,
  { names, refusal }: { names: string; refusal: (table: string) => string },
): Tables {
  const rows = (table: string) => run(`SELECT * FROM "${table}"`);
  return {
    rows,
    async everything() {
      const all = [];
      for (const { name } of await run(names)) {
        all.push([name, (await rows(String(name))).map((row) => JSON.stringify(row)).sort()]);
      }
      return JSON.stringify(all);
    },
    async execute(sql) {
      await run(sql);
    },
    async refuseInserts(table) {
      await run(refusal(table));
    },
  };
}
