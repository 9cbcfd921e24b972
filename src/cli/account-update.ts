import type { Command } from 'commander';
import { BY_OPERATOR } from '../lib/by.ts';
import { accountResult } from './account-view.ts';
import { CLAIM_NAMES, changeClaims } from './claims.ts';
import { action, type Cli, collect } from './command.ts';
import { existingAccount } from './existing-account.ts';
import { UsageFailure } from './failure.ts';
import { withStores } from './stores.ts';

interface UpdateOptions {
  set?: string[];
  unset?: string[];
  verified?: boolean;
  unverified?: boolean;
}

export function accountUpdate(cli: Cli): Command {
  const claims = CLAIM_NAMES.join(', ')
    .replaceAll(/(.{1,74})(, |$)/g, '  $1$2\n')
    .trimEnd();
  return action('update', 'change what applications are told about somebody', {
    notes: `Claims (OpenID Connect Core 5.1):\n${claims}`,
    examples: [
      'account update ada@example.org --set name="Ada Lovelace" --set address.locality=Paris --unset nickname',
      'account update ada@example.org --verified',
    ],
  })
    .argument('<account>', 'its id or email')
    .option('--set <claim=value>', 'set a claim (repeatable)', collect)
    .option('--unset <claim>', 'take a claim away (repeatable)', collect)
    .option('--verified', 'the email address is theirs')
    .option('--unverified', 'it is not known whose the email address is')
    .action((who: string, options: UpdateOptions) => update(cli, who, options));
}

async function update(cli: Cli, who: string, options: UpdateOptions): Promise<void> {
  const { set = [], unset = [], verified = false, unverified = false } = options;
  if (verified && unverified) throw new UsageFailure('--verified and --unverified contradict one another');
  if (set.length + unset.length === 0 && !verified && !unverified) {
    throw new UsageFailure('name what to change', 'gatewright account update');
  }
  await withStores(cli, {}, async ({ stores: { accounts } }) => {
    const { id, email, claims } = await existingAccount(accounts, who);
    // Left as it is where nothing is said of it: its owner may be proving it just now.
    const isVerified = verified || unverified ? verified : null;
    await accounts.setClaims(id, changeClaims(claims, set, unset), isVerified, BY_OPERATOR);
    cli.out.result(...(await accountResult(accounts, id, `Updated the account of ${email}.`)));
  });
}
