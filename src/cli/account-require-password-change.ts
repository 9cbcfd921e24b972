import type { Command } from 'commander';
import type { Account } from '../accounts/account.ts';
import type { AccountStore } from '../accounts/store.ts';
import { BY_OPERATOR } from '../lib/by.ts';
import { action, type Cli, collect } from './command.ts';
import { existingAccount } from './existing-account.ts';
import { UsageFailure } from './failure.ts';
import { confirmation } from './prompt.ts';
import { withStores } from './stores.ts';

interface Options {
  email?: string[];
  all?: boolean;
  yes?: boolean;
}

export function accountRequirePasswordChange(cli: Cli): Command {
  return action('require-password-change', 'have people choose a new password when they next sign in', {
    notes: [
      'Signs them out everywhere, ends their tokens, has the applications told, and writes to them. The next sign-in',
      'asks for a new password after the present one and the second factor.',
      'Accounts without a password, and those of which it is required already, are left alone, so a run that was cut',
      'short is repeated as it was.',
      '--all spares nobody: your own account and every other administrator are signed out too.',
    ].join('\n'),
    examples: [
      'account require-password-change --email ada@example.org --email grace@example.org',
      'account require-password-change --all',
    ],
  })
    .option('--email <address>', 'whose; may be repeated', collect)
    .option('--all', 'of every account that has a password')
    .option('--yes', 'with --all: do not ask')
    .action(async ({ email: named = [], all = false, yes = false }: Options) => {
      if (all === named.length > 0) throw new UsageFailure('say whose password: --email ADDRESS, or --all');
      const confirm = confirmation({ yes: yes || !all });
      await withStores(cli, {}, ({ stores: { accounts } }) =>
        all ? requireOfAll(cli, accounts, confirm) : requireOf(cli, accounts, named),
      );
    });
}

/** Nothing is changed where one of them is not there. */
async function requireOf({ out }: Cli, accounts: AccountStore, named: string[]): Promise<void> {
  const found: Account[] = [];
  for (const who of named) found.push(await existingAccount(accounts, who));
  const done: { id: string; email: string; outcome: Outcome }[] = [];
  for (const account of found) {
    const { id, email } = account;
    done.push({
      id,
      email,
      outcome: (await accounts.requirePasswordChange(id, BY_OPERATOR)) ? 'required' : why(account),
    });
  }
  out.result(done.map(({ email, outcome }) => `${email} ${WORDS[outcome]}.`).join('\n'), done);
}

async function requireOfAll(
  { out }: Cli,
  accounts: AccountStore,
  confirm: (question: string) => Promise<void>,
): Promise<void> {
  const ids = await accounts.passwordsToKeep();
  await confirm(`Sign out ${ids.length} accounts everywhere, your own too, and ask each for a new password?`);
  const { progressBar } = await import('./progress-bar.ts');
  const bar = progressBar(out, 'Requiring', ids.length);
  let required = 0;
  for (const [index, id] of ids.entries()) {
    if (await accounts.requirePasswordChange(id, BY_OPERATOR)) required += 1;
    bar.to(index + 1);
  }
  bar.done();
  out.result(`A new password is required of ${required} accounts, which are signed out everywhere.`, { required });
}

const WORDS = {
  required: 'is signed out everywhere, and has to choose a new password at the next sign-in',
  already: 'had to choose a new password already',
  'no-password': 'has no password',
};
type Outcome = keyof typeof WORDS;

const why = ({ passwordHash }: Account): Outcome => (passwordHash === null ? 'no-password' : 'already');
