// Makes dist/, which is what is published and what Node loads. Where TypeScript is not installed there is nothing to make.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';

function compiler(): string | null {
  try {
    return join(createRequire(import.meta.url).resolve('typescript/package.json'), '../bin/tsc');
  } catch {
    return null;
  }
}

const tsc = compiler();
if (tsc)
  process.exitCode = spawnSync(process.execPath, [tsc, '-p', import.meta.dirname], { stdio: 'inherit' }).status ?? 1;
