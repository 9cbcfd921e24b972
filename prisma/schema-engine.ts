import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { PrismaLibSql } from '@prisma/adapter-libsql';
import {
  bindMigrationAwareSqlAdapterFactory,
  ColumnTypeEnum,
  mockMigrationAwareAdapterFactory,
  type SqlMigrationAwareDriverAdapterFactory,
  type SqlResultSet,
} from '@prisma/driver-adapter-utils';
import type { DiffTarget, SchemaEngine } from '@prisma/schema-engine-wasm';
import * as bindings from '@prisma/schema-engine-wasm/schema_engine_bg';
import { type Engine, schema } from './generate.ts';

let loaded: typeof SchemaEngine | undefined;

/** What the package's own entry does, for which Node would need an experimental flag. Once: its bindings keep state. */
function loadEngine(): typeof SchemaEngine {
  const script = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm/schema_engine_bg');
  const module = new WebAssembly.Module(readFileSync(script.replace(/\.js$/, '.wasm')));
  const glue = bindings as typeof bindings & WebAssembly.ModuleImports & { __wbg_set_wasm(exports: object): void };
  const { exports } = new WebAssembly.Instance(module, { './schema_engine_bg.js': glue });
  glue.__wbg_set_wasm(exports);
  (exports as { __wbindgen_start(): void }).__wbindgen_start();
  return bindings.SchemaEngine;
}

/** The SQL that makes the tables in an SQLite file equal to the models; null when they are. Changes nothing. */
export function differenceFromModels({ file }: { file: string }): Promise<string | null> {
  const from: DiffTarget = { tag: 'schemaDatasource', files: files('sqlite'), configDir: import.meta.dirname };
  return difference('sqlite', from, new PrismaLibSql({ url: `file:${file}` }));
}

/**
 * The SQL that makes PostgreSQL's tables of the models `before` (null: none) into those of the models as they are;
 * null when they are. Between descriptions and not from a database, whose catalogue this engine cannot read through
 * PostgreSQL's driver.
 */
export async function differenceFromOlderModels(before: string | null): Promise<string | null> {
  const from: DiffTarget =
    before === null ? { tag: 'empty' } : { tag: 'schemaDatamodel', files: files('postgresql', before) };
  const sql = await difference('postgresql', from, noDatabase());
  // It is there in every database, and the statement wants a right that the owner of a schema need not have.
  return sql?.replace('-- CreateSchema\nCREATE SCHEMA IF NOT EXISTS "public";\n\n', '') ?? null;
}

async function difference(
  engine: Engine,
  from: DiffTarget,
  adapter: SqlMigrationAwareDriverAdapterFactory,
): Promise<string | null> {
  const { file, text } = schema(engine);
  loaded ??= loadEngine();
  const opened = await loaded.new(
    { datamodels: [[file, text]] },
    () => {},
    bindMigrationAwareSqlAdapterFactory(adapter),
  );
  try {
    const result = await opened.diff({
      from,
      to: { tag: 'schemaDatamodel', files: files(engine) },
      script: true,
      exitCode: true,
      filters: { externalTables: [], externalEnums: [] },
    });
    // Their own exit code for "there is a difference".
    return result.exitCode === 2 ? (result.stdout ?? '') : null;
  } finally {
    opened.free();
  }
}

function files(engine: Engine, models?: string) {
  const { file, text } = schema(engine, models);
  return [{ path: file, content: text }];
}

/** The engine wants a connection even to compare two texts, and asks it one thing: which PostgreSQL it is. */
function noDatabase(): SqlMigrationAwareDriverAdapterFactory {
  const factory = mockMigrationAwareAdapterFactory('postgres');
  const version: SqlResultSet = {
    columnNames: ['exists', 'version', 'numeric_version'],
    columnTypes: [ColumnTypeEnum.Boolean, ColumnTypeEnum.Text, ColumnTypeEnum.Int32],
    rows: [[true, 'PostgreSQL 18.0', 180_000]],
  };
  return {
    ...factory,
    connect: async () => ({
      ...(await factory.connect()),
      queryRaw: async () => version,
      executeScript: async () => {},
      dispose: async () => {},
    }),
  };
}
