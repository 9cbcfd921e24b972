import type { Command } from 'commander';
import { parseConfig } from '../config/config.ts';
import type { Compared, Move } from '../store/copy/move.ts';
import { action, type Cli } from './command.ts';
import { checkEmbedded } from './embedded.ts';
import { Failure, UsageFailure } from './failure.ts';
import { firstLineOf } from './first-line.ts';
import { table } from './layout.ts';
import { confirmation } from './prompt.ts';
import { checkServerStopped } from './server-stopped.ts';

const NOTES = `Stop the server first. Keys and issuer stay the same, so nobody has to sign in again. When everything is there and
compared, the files in DATA_DIR refuse to be used, because one token must not be spent at two places. Started again
after a failure, it finishes or begins anew. A password does not belong into --to, which other users of this machine can
read: --to-file is for that, and PGPASSWORD or ~/.pgpass are used where the address has none.`;

interface CopyOptions {
  to?: string;
  toFile?: string;
  yes?: boolean;
}

export function databaseCopy(cli: Cli): Command {
  return action('copy', 'move the installation in DATA_DIR to an empty PostgreSQL database', {
    examples: [
      'database copy --to postgresql://gatewright@db.example.org/gatewright',
      'database copy --to-file /run/secrets/database_url    # the one that DATABASE_URL_FILE will name',
    ],
    notes: NOTES,
  })
    .option('--to <address>', 'postgresql://user@host:port/database')
    .option('--to-file <file>', 'read the address from the first line of a file')
    .option('--yes', 'do not ask')
    .action((options: CopyOptions) => copy(cli, options));
}

async function copy(cli: Cli, { yes = false, ...where }: CopyOptions): Promise<void> {
  const { env, clock, out } = cli;
  const confirm = confirmation({ yes });
  const to = addressFrom(where, cli);
  const config = parseConfig(env);
  await checkEmbedded(config);
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

function addressFrom({ to, toFile }: CopyOptions, { out }: Cli): string {
  if ((to === undefined) === (toFile === undefined)) {
    throw new UsageFailure('say where to: either --to or --to-file', 'gatewright database copy');
  }
  const [address, option] = toFile === undefined ? [to ?? '', '--to'] : [firstLineOf(toFile), toFile];
  if (!/^postgres(ql)?:\/\/[^/]/.test(address) || !URL.canParse(address)) {
    throw new Failure(`${option} must be of the form postgresql://user@host:5432/database`);
  }
  if (to !== undefined && new URL(to).password !== '') {
    out.warn(
      'the password in --to is seen by other users of this machine and kept in the history of the shell: use --to-file, and change the password',
    );
  }
  return address;
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
