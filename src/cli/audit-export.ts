import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import type { Command } from 'commander';
import { BY_OPERATOR } from '../lib/by.ts';
import { accountFilter, type FilterOptions, parseFilter, withFilters } from './audit-filter.ts';
import { entryJson } from './audit-words.ts';
import { action, type Cli } from './command.ts';
import { Failure } from './failure.ts';
import { withStores } from './stores.ts';

const SLICE = 500;

export function auditExport(cli: Cli): Command {
  const made = action('export', 'write what is sealed as JSON, a line for each entry, addresses in the clear', {
    examples: ['audit export trail.jsonl', 'audit export - --since 2026-01-01 | gzip > trail.jsonl.gz'],
  });
  return withFilters(made)
    .argument('<file>', 'made for this user only; - for standard output')
    .action((file: string, options: FilterOptions) => exportTo(cli, file, options));
}

async function exportTo(cli: Cli, file: string, options: FilterOptions): Promise<void> {
  const { progressBar } = await import('./progress-bar.ts');
  const { out } = cli;
  const filter = parseFilter(options, cli.clock);
  await withStores(cli, {}, async ({ stores }) => {
    const { auditTrail: trail, audit } = stores;
    const all = { ...filter, ...(await accountFilter(stores, options)) };
    const target = file === '-' ? process.stdout : await opened(file);
    const bar = progressBar(out, 'Exporting the audit trail', await trail.length());
    let entries = 0;
    let last = 0;
    for (let full = true; full; ) {
      const slice = await trail.after(last, SLICE, all);
      for (const entry of slice) await write(target, `${JSON.stringify(entryJson(entry))}\n`);
      entries += slice.length;
      last = slice.at(-1)?.sequence ?? last;
      bar.to(entries);
      full = slice.length === SLICE;
    }
    if (target !== process.stdout) await new Promise<void>((resolve) => target.end(resolve));
    bar.done();
    await audit.write({ event: 'audit.exported', entries }, BY_OPERATOR);
    if (file !== '-') out.result(`Exported ${entries} entries to ${file}.`, { file, entries });
  });
}

async function opened(file: string): Promise<Writable> {
  const stream = createWriteStream(file, { flags: 'wx', mode: 0o600 });
  try {
    await once(stream, 'open');
    return stream;
  } catch (err) {
    const { code } = err as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw new Failure(`${file} is there already: name another file`);
    throw new Failure(`${file} cannot be written (${code}): name another file`);
  }
}

/** No faster than it is taken. */
async function write(target: Writable, line: string): Promise<void> {
  if (!target.write(line) && !target.destroyed) await Promise.race([once(target, 'drain'), once(target, 'close')]);
}
