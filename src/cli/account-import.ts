import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { normalizeEmail } from '../accounts/account.ts';
import type { AccountStore, NewAccount } from '../accounts/store.ts';
import { BY_OPERATOR } from '../lib/by.ts';
import { Conflict } from '../lib/errors.ts';
import { action, type Cli } from './command.ts';
import { Failure } from './failure.ts';
import { withStores } from './stores.ts';

const PROBLEMS_SHOWN = 100;

interface Counts {
  created: number;
  /** Accounts with the same address were there before. */
  there: number;
  failed: number;
}

export function accountImport(cli: Cli): Command {
  return action('import', 'create the accounts in a file, with the password hashes of another program', {
    notes: [
      'One account per line, each a JSON object:',
      '  {"email": "ada@example.org", "name": "Ada", "verified": true, "passwordHash": "$2b$12$…",',
      '   "claims": {"locale": "fr-FR"}}',
      'Only email is needed. A line is imported whole or not at all. Addresses that have an account already are',
      'left alone, so a run that was cut short is repeated as it was.',
      'Hashes: argon2, bcrypt, scrypt and PBKDF2 in the forms of PHC, passlib and Django; docs/operating.md.',
    ].join('\n'),
    examples: ['account import people.jsonl --dry-run'],
  })
    .argument('<file>', 'JSON lines')
    .option('--dry-run', 'check every line and create nothing')
    .action((file: string, options: { dryRun?: boolean }) => importFile(cli, file, options.dryRun ?? false));
}

async function importFile(cli: Cli, file: string, dryRun: boolean): Promise<void> {
  const size = await stat(file).then(
    (found) => found.size,
    (err: NodeJS.ErrnoException) => {
      throw new Failure(`${file} cannot be read (${err.code})`);
    },
  );
  await withStores(cli, { mayCreate: !dryRun }, async ({ stores: { accounts } }) => {
    const [{ linesOf }, { parseAccount }, { progressBar }] = await Promise.all([
      import('./account-lines.ts'),
      import('./imported-account.ts'),
      import('./progress-bar.ts'),
    ]);
    const bar = progressBar(cli.out, dryRun ? 'Checking' : 'Importing', size);
    const add = dryRun ? dryRunOf(accounts) : (account: NewAccount) => create(accounts, account);
    const counts: Counts = { created: 0, there: 0, failed: 0 };
    const problems: string[] = [];
    for await (const { number, text, end } of linesOf(file)) {
      try {
        counts[(await add(parseAccount(text))) ? 'created' : 'there'] += 1;
      } catch (err) {
        if (!(err instanceof Failure)) throw err;
        counts.failed += 1;
        if (problems.length < PROBLEMS_SHOWN) problems.push(`line ${number}: ${err.message}`);
      }
      bar.to(end);
    }
    bar.done();
    cli.out.result(summary(counts, dryRun), { ...counts, dryRun });
    if (counts.failed > problems.length) problems.push(`and ${counts.failed - problems.length} more`);
    if (counts.failed > 0) throw new Failure('these lines were not imported: mend them and run it again', problems);
  });
}

/** @returns false where there is an account with this address */
async function create(accounts: AccountStore, account: NewAccount): Promise<boolean> {
  if (await accounts.findByEmail(normalizeEmail(account.email))) return false;
  try {
    await accounts.create(account, BY_OPERATOR);
    return true;
  } catch (err) {
    if (err instanceof Conflict) return false;
    throw err;
  }
}

function dryRunOf(accounts: AccountStore): (account: NewAccount) => Promise<boolean> {
  const seen = new Set<string>();
  return async ({ email }) => {
    const normalized = normalizeEmail(email);
    const isNew = !seen.has(normalized) && !(await accounts.findByEmail(normalized));
    seen.add(normalized);
    return isNew;
  };
}

function summary({ created, there, failed }: Counts, dryRun: boolean): string {
  const [done, left] = dryRun ? ['would be created', 'cannot be imported'] : ['created', 'not imported'];
  return `${created} ${done}, ${there} there already, ${failed} ${left}.`;
}
