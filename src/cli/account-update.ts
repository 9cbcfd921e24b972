import { type Command, Option } from 'commander';
import { isWithin, offeredLevels } from '../assurance/demand.ts';
import { BY_OPERATOR } from '../lib/by.ts';
import { accountResult } from './account-view.ts';
import { CLAIM_NAMES, changeClaims } from './claims.ts';
import { action, type Cli, collect } from './command.ts';
import { existingAccount } from './existing-account.ts';
import { Failure, UsageFailure } from './failure.ts';
import { withStores } from './stores.ts';

/** What somebody may have to prove, whatever policy and application demand; a trusted browser is the policy's to allow. */
const LEVELS_TO_DEMAND = ['two-factor', 'phishing-resistant', 'none'] as const;

interface UpdateOptions {
  set?: string[];
  unset?: string[];
  verified?: boolean;
  unverified?: boolean;
  level?: (typeof LEVELS_TO_DEMAND)[number];
}

export function accountUpdate(cli: Cli): Command {
  const claims = CLAIM_NAMES.join(', ')
    .replaceAll(/(.{1,74})(, |$)/g, '  $1$2\n')
    .trimEnd();
  return action('update', 'change what applications are told about somebody, and how strongly they must sign in', {
    notes: `Claims (OpenID Connect Core 5.1):\n${claims}`,
    examples: [
      'account update ada@example.org --set name="Ada Lovelace" --set address.locality=Paris --unset nickname',
      'account update ada@example.org --verified',
      'account update ada@example.org --level two-factor',
    ],
  })
    .argument('<account>', 'its id or email')
    .option('--set <claim=value>', 'set a claim (repeatable)', collect)
    .option('--unset <claim>', 'take a claim away (repeatable)', collect)
    .option('--verified', 'the email address is theirs')
    .option('--unverified', 'it is not known whose the email address is')
    .addOption(new Option('--level <level>', 'what they must prove at every sign-in').choices(LEVELS_TO_DEMAND))
    .action((who: string, options: UpdateOptions) => update(cli, who, options));
}

async function update(cli: Cli, who: string, options: UpdateOptions): Promise<void> {
  const { set = [], unset = [], verified = false, unverified = false, level } = options;
  if (verified && unverified) throw new UsageFailure('--verified and --unverified contradict one another');
  const isAboutClaims = set.length + unset.length > 0 || verified || unverified;
  if (!isAboutClaims && level === undefined) {
    throw new UsageFailure('name what to change', 'gatewright account update');
  }
  await withStores(cli, {}, async ({ config, stores: { accounts } }) => {
    const { id, email, claims } = await existingAccount(accounts, who);
    // Left as it is where nothing is said of it: its owner may be proving it just now.
    const isVerified = verified || unverified ? verified : null;
    const changed = changeClaims(claims, set, unset);
    const demanded = level === 'none' ? null : level;
    if (demanded && !isWithin(demanded, offeredLevels(config.levels))) {
      throw new Failure(`--level ${demanded} cannot be reached here, where PASSKEYS is off: nobody could sign in`);
    }
    if (isAboutClaims) await accounts.setClaims(id, changed, isVerified, BY_OPERATOR);
    if (demanded !== undefined) await accounts.setDemandedLevel(id, demanded, BY_OPERATOR);
    cli.out.result(...(await accountResult(accounts, id, `Updated the account of ${email}.`)));
  });
}
