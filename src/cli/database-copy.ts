import type { Command } from 'commander';
import { parseConfig } from '../config/config.ts';
import type { Compared, Move } from '../store/copy/move.ts';
import { action, type Cli } from './command.ts';
import { checkEmbedded } from './embedded.ts';
import { Failure } from './failure.ts';
import { table } from './layout.ts';
import { confirmation } from './prompt.ts';
import { checkServerStopped } from './server-stopped.ts';

const NOTES = `Stop the server first. Keys and issuer stay the same, so nobody has to sign in again. When everything is there and
compared, the files in DATA_DIR refuse to be used, because one token must not be spent at two places. Started again
after a failure, it finishes or begins anew. Without a password in the address, PGPASSWORD or ~/.pgpass is used, which
other users of this machine cannot read.`;

interface CopyOptions {
  to: string;
  yes?: boolean;
}

export function databaseCopy(cli: Cli): Command {
  return action('copy', 'move the installation in DATA_DIR to an empty PostgreSQL database', {
    examples: ['database copy --to postgresql://gatewright@db.example.org/gatewright'],
    notes: NOTES,
  })
    .requiredOption('--to <address>', 'postgresql://user@host:port/database')
    .option('--yes', 'do not ask')
    .action((options: CopyOptions) => copy(cli, options));
}

async function copy(cli: Cli, { to, yes = false }: CopyOptions): Promise<void> {
  const { env, clock, out } = cli;
  const confirm = confirmation({ yes });
  const config = parseConfig(env);
  await checkEmbedded(config);
  if (!/^postgres(ql)?:\/\/[^/]/.test(to) || !URL.canParse(to)) {
    throw new Failure('--to must be of the form postgresql://user@host:5432/database');
  }
  await checkServerStopped(config);

  const { openMove } = await import('../store/copy/move.ts');
  const move = await openMove({ issuer: config.issuer, folders: config.folders, to, clock });
  try {
    await confirm(
      `Move ${move.rows} rows of ${config.issuer} to ${move.to}, and leave ${config.folders.data} for good?`,
    );
    const compared = await carryOut(cli, move);
    out.result(text(move, compared), { to: move.to, tables: compared });
  } finally {
    await move.close();
  }
}

async function carryOut({ out }: Cli, move: Move): Promise<Compared[]> {
  const { progressBar } = await import('./progress-bar.ts');
  async function shown<T>(label: string, work: (onRows: (count: number) => void) => Promise<T>): Promise<T> {
    const bar = progressBar(out, label, move.rows);
    let done = 0;
    const result = await work((count) => {
      done += count;
      bar.to(done);
    });
    bar.done();
    return result;
  }

  await move.arrive();
  if (!move.isLeft) await shown('Copying', (onRows) => move.copy(onRows));
  const compared = await shown('Comparing', (onRows) => move.compare(onRows));
  await move.commit();
  if (!move.isLeft) {
    move.freezeState();
    move.leave();
  }
  await move.open();
  return compared;
}

function text({ to, from }: Move, compared: Compared[]): string {
  const rows = compared.map(({ table, rows, sha256 }) => [table, String(rows), sha256]);
  return [
    `Moved ${from.issuer} to ${to}. Every table is the same on both sides:`,
    '',
    table({ headings: ['TABLE', 'ROWS', 'SHA-256'], rows, width: null }),
    '',
    'Set DATABASE_URL to it and start the server. KEYS_DIR stays as it is; keep the old files until you have a backup.',
  ].join('\n');
}
