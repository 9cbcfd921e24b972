import type { Command } from 'commander';
import { isEmail } from '../accounts/account.ts';
import { BY_OPERATOR } from '../lib/by.ts';
import { Conflict } from '../lib/errors.ts';
import { isMailAddress } from '../lib/mail-address.ts';
import { accountResult } from './account-view.ts';
import { action, type Cli } from './command.ts';
import { existingAccount } from './existing-account.ts';
import { Failure, UsageFailure } from './failure.ts';
import { withStores } from './stores.ts';

interface SetEmailOptions {
  email: string;
  to: string;
  verified?: boolean;
}

export function accountSetEmail(cli: Cli): Command {
  return action('set-email', 'give an account another address; both are told, and links mailed before are void', {
    examples: ['account set-email --email ada@example.org --to ada@example.net --verified'],
  })
    .requiredOption('--email <address>', 'the address that it has, or its id')
    .requiredOption('--to <address>', 'the address that it is to have')
    .option('--verified', 'the new address is theirs')
    .action((options: SetEmailOptions) => setEmail(cli, options));
}

async function setEmail(cli: Cli, { email: who, to: typed, verified = false }: SetEmailOptions): Promise<void> {
  const to = typed.trim();
  if (!isEmail(to) || !isMailAddress(to)) {
    throw new UsageFailure(`"${typed}" is not an email address`, 'gatewright account set-email');
  }
  await withStores(cli, {}, async ({ stores: { accounts } }) => {
    const { id, email } = await existingAccount(accounts, who);
    if (!(await accounts.setEmail(id, to, verified, BY_OPERATOR).catch(orTaken(to)))) {
      throw new Failure(`the account of ${email} was changed meanwhile: look at it, then try again`);
    }
    cli.out.result(...(await accountResult(accounts, id, `The account of ${email} goes by ${to} now.`)));
  });
}

const orTaken = (to: string) => (err: unknown) => {
  if (err instanceof Conflict) throw new Failure(`there is an account with the address ${to} already`);
  throw err;
};
