import { PrismaLibSql } from '@prisma/adapter-libsql';
import type Libsql from 'libsql';
import type { SqliteHandle } from '../sqlite/sqlite-file.ts';

type Client = ReturnType<PrismaLibSql['createClient']>;
type Transaction = Awaited<ReturnType<Client['transaction']>>;
type Statement = { sql: string; args?: unknown[] };

interface Prepared {
  statement: Libsql.Statement<unknown[]>;
  columns: string[];
  columnTypes: string[];
  /** False: the statement returns no rows. */
  reader: boolean;
}

/** Prisma writes few distinct texts, except for lists (`IN (?,?,…)`), which differ by length. */
const KEPT_STATEMENTS = 500;

/**
 * Prisma's libSQL adapter on a connection that is already open. The stock one leaves a connection behind with every
 * transaction, loses its pragmas there, and begins DEFERRED, so that of two processes that read and then write, one
 * fails at once instead of waiting.
 */
export class LibsqlFactory extends PrismaLibSql {
  readonly #handle: SqliteHandle;

  constructor(handle: SqliteHandle) {
    super({ url: 'file:' }, { timestampFormat: 'unixepoch-ms' });
    this.#handle = handle;
  }

  override createClient(): Client {
    return createClient(this.#handle) as Client;
  }

  override connectToShadowDb(): never {
    throw new Error('There is no shadow database: migrations are compared by prisma/schema-engine.ts');
  }
}

function createClient(handle: SqliteHandle) {
  const execute = createExecute(handle);

  // SQLite ends a transaction by itself on some errors (disk full, I/O): what follows must not be committed one by one.
  function executeInside(statement: Statement) {
    if (!handle.inTransaction) throw new Error('SQLite has rolled the transaction back');
    return execute(statement);
  }

  function rollback(): void {
    if (handle.inTransaction) handle.exec('ROLLBACK');
  }

  function commit(): void {
    try {
      handle.exec('COMMIT');
    } catch (error) {
      rollback();
      throw error;
    }
  }

  return {
    execute: async (statement: Statement) => execute(statement),
    async executeMultiple(script: string): Promise<void> {
      try {
        handle.exec(script);
      } finally {
        rollback();
      }
    },
    async transaction(): Promise<Transaction> {
      handle.exec('BEGIN IMMEDIATE');
      return {
        execute: async (statement: Statement) => executeInside(statement),
        commit: async () => commit(),
        rollback: async () => rollback(),
      } as unknown as Transaction;
    },
    /** The connection belongs to whoever opened it. */
    close(): void {},
  } as unknown;
}

function createExecute(handle: SqliteHandle) {
  const kept = new Map<string, Prepared>();

  function prepare(sql: string): Prepared {
    const found = kept.get(sql);
    if (found) return found;
    const statement = handle.prepare(sql);
    const { reader } = statement;
    // As bigint, because a number would round above 2^53. Per statement, so that the handle's other users keep numbers.
    if (reader) statement.raw(true).safeIntegers(true);
    const columns = reader ? statement.columns() : [];
    const prepared: Prepared = {
      statement,
      reader,
      columns: columns.map((column) => column.name),
      columnTypes: columns.map((column) => column.type ?? ''),
    };
    const [oldest] = kept.keys();
    if (kept.size >= KEPT_STATEMENTS && oldest !== undefined) kept.delete(oldest);
    kept.set(sql, prepared);
    return prepared;
  }

  return function execute({ sql, args = [] }: Statement) {
    const { statement, reader, columns, columnTypes } = prepare(sql);
    const values = args.map(toSqlite);
    if (!reader) return { columns, columnTypes, rows: [], rowsAffected: statement.run(values).changes };
    const rows = (statement.all(values) as unknown[][]).map((row) => row.map(fromSqlite));
    return { columns, columnTypes, rows, rowsAffected: 0 };
  };
}

function toSqlite(value: unknown): unknown {
  return typeof value === 'boolean' ? Number(value) : value;
}

/** The adapter knows bytes as an ArrayBuffer only. */
function fromSqlite(value: unknown): unknown {
  return Buffer.isBuffer(value) ? Uint8Array.from(value).buffer : value;
}
