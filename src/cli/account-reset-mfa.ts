import type { Command } from 'commander';
import { BY_OPERATOR } from '../lib/by.ts';
import { action, type Cli } from './command.ts';
import { existingAccount } from './existing-account.ts';
import { confirmation } from './prompt.ts';
import { withStores } from './stores.ts';

interface ResetOptions {
  allowPasswordOnly?: boolean;
  yes?: boolean;
}

export function accountResetMfa(cli: Cli): Command {
  return action('reset-mfa', 'remove passkeys, authenticator apps and recovery codes of somebody who lost them', {
    notes: [
      'Where there was one, the next sign-in asks for another to be set up before it is done, whatever SECOND_FACTOR says.',
      'Whoever knows the password sets it up: where that may be somebody else, use account recover.',
    ].join('\n'),
  })
    .argument('<account>', 'its id or email')
    .option('--allow-password-only', 'demand no second factor of this account that was not demanded before')
    .option('--yes', 'do not ask')
    .action(async (who: string, options: ResetOptions) => {
      const confirm = confirmation(options);
      await withStores(cli, {}, async ({ config, stores: { accounts } }) => {
        const { id, email, passwordHash } = await existingAccount(accounts, who);
        const { allowPasswordOnly: passwordOnly = false } = options;
        const until = passwordOnly ? 'From then on' : 'Until another one is set up,';
        const then =
          passwordHash === null
            ? 'There is no password: from then on whoever reads their mail sets one.'
            : `${until} the password alone identifies them.`;
        await confirm(`Remove every passkey and second factor of ${email}? ${then}`);
        await accounts.resetFactors(id, BY_OPERATOR, { passwordOnly, passkeys: config.levels.passkeys });
        const demandedLevel = (await accounts.find(id))?.demandedLevel ?? null;
        const next = demandedLevel === null ? '' : ` The next sign-in asks to set up what ${demandedLevel} takes.`;
        const text = `${email} has no passkey and no second factor any more and is signed out everywhere.${next}`;
        cli.out.result(text, { id, email, hasSecondFactor: false, demandedLevel });
      });
    });
}
