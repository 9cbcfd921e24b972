import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { PrismaLibSql } from '@prisma/adapter-libsql';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import type { SchemaEngine } from '@prisma/schema-engine-wasm';
import * as bindings from '@prisma/schema-engine-wasm/schema_engine_bg';
import { schema } from './generate.ts';

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

/** The SQL that makes the tables in `file` equal to the models; null when they are. Changes nothing. */
export async function differenceFromModels({ file }: { file: string }): Promise<string | null> {
  const { file: path, text } = schema('sqlite');
  const adapter = bindMigrationAwareSqlAdapterFactory(new PrismaLibSql({ url: `file:${file}` }));
  loaded ??= loadEngine();
  const engine = await loaded.new({ datamodels: [[path, text]] }, () => {}, adapter);
  try {
    const files = [{ path, content: text }];
    const result = await engine.diff({
      from: { tag: 'schemaDatasource', files, configDir: import.meta.dirname },
      to: { tag: 'schemaDatamodel', files },
      script: true,
      exitCode: true,
      filters: { externalTables: [], externalEnums: [] },
    });
    // Their own exit code for "there is a difference".
    return result.exitCode === 2 ? (result.stdout ?? '') : null;
  } finally {
    engine.free();
  }
}
