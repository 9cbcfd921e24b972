import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';

/** `instant`: milliseconds in SQLite, a timestamp (UTC) in PostgreSQL. `texts`: a list, which PostgreSQL alone has. */
export type ColumnType = 'text' | 'integer' | 'boolean' | 'instant' | 'bytes' | 'texts';

export interface Column {
  name: string;
  type: ColumnType;
}

export interface Table {
  name: string;
  columns: Column[];
  /** The primary key: the order in which rows are read on both sides. */
  key: Column[];
}

export type Value = SQLOutputValue | string[];

const TYPES: Record<string, ColumnType> = {
  TEXT: 'text',
  INTEGER: 'integer',
  BIGINT: 'integer',
  BOOLEAN: 'boolean',
  DATETIME: 'instant',
  BLOB: 'bytes',
};

/** A STRICT table has no such type to declare. */
const BOOLEANS = ['session_authorization.persists_logout'];

/** Each side has its own; the installation's row says whether the data may be used, and is no part of it. */
const APART = ['_prisma_migrations', 'Installation'];

/** The tables of a file, those that others refer to before them. Read from the file, so that none can be forgotten. */
export function tablesOf(db: DatabaseSync): Table[] {
  const names = db
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
    .all()
    .map(({ name }) => String(name))
    .filter((name) => !APART.includes(name));
  return parentsFirst(db, names).map((name) => describe(db, name));
}

function describe(db: DatabaseSync, name: string): Table {
  const found = db
    .prepare('SELECT name, type, pk FROM pragma_table_info(?)')
    .all(name)
    .map((row) => ({
      name: String(row['name']),
      type: BOOLEANS.includes(`${name}.${row['name']}`) ? ('boolean' as const) : typeOf(String(row['type'])),
      pk: Number(row['pk']),
    }));
  return {
    name,
    columns: found.map(({ name, type }) => ({ name, type })),
    key: found
      .filter(({ pk }) => pk > 0)
      .sort((a, b) => a.pk - b.pk)
      .map(({ name, type }) => ({ name, type })),
  };
}

function typeOf(declared: string): ColumnType {
  const type = TYPES[declared];
  if (!type) throw new Error(`nothing is known of columns of the type ${declared}`);
  return type;
}

function parentsFirst(db: DatabaseSync, names: string[]): string[] {
  const parents = db.prepare('SELECT "table" AS parent FROM pragma_foreign_key_list(?)');
  const sorted = new Set<string>();
  function visit(name: string): void {
    if (sorted.has(name)) return;
    for (const { parent } of parents.all(name)) if (parent !== name) visit(String(parent));
    sorted.add(name);
  }
  for (const name of names) visit(name);
  return [...sorted];
}
