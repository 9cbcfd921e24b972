import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export type Engine = 'sqlite' | 'postgresql';

export const ENGINES: readonly Engine[] = ['sqlite', 'postgresql'];

const FOLDER = import.meta.dirname;

/** The only description of the tables. */
export const MODELS = join(FOLDER, 'models.prisma');

/** The whole schema of an engine, and the file it is written to for tools that want one. */
export function schema(engine: Engine, models = readFileSync(MODELS, 'utf8')): { file: string; text: string } {
  const head = readFileSync(join(FOLDER, `${engine}.prisma`), 'utf8');
  return { file: join(FOLDER, '.generated', `${engine}.prisma`), text: `${head}\n${models}` };
}

/**
 * Path of the Prisma CLI, or null in an installation without development dependencies. It is installed under another
 * name: `@prisma/client` names `prisma` as an optional peer, which would come along into every installation.
 */
function findCli(): string | null {
  try {
    return createRequire(import.meta.url).resolve('prisma-cli/build/index.js');
  } catch {
    return null;
  }
}

function generate(cli: string, engine: Engine): void {
  const { file, text } = schema(engine);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  const result = spawnSync(process.execPath, [cli, 'generate', '--schema', file, '--no-hints'], {
    encoding: 'utf8',
    env: {
      ...process.env,
      // The CLI downloads its schema engine before anything else, though generating never runs it:
      // any file that exists satisfies the check and keeps the network out.
      PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
      PRISMA_HIDE_UPDATE_MESSAGE: '1',
      CHECKPOINT_DISABLE: '1',
    },
  });
  if (result.status !== 0) {
    process.stderr.write(`${result.stdout}${result.stderr}`);
    process.exitCode = 1;
  }
}

if (import.meta.main) {
  const cli = findCli();
  if (cli) for (const engine of ENGINES) generate(cli, engine);
}
