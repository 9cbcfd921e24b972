import type { Command } from 'commander';
import { normalizeEmail } from '../accounts/account.ts';
import { BY_OPERATOR } from '../lib/by.ts';
import { action, type Cli } from './command.ts';
import { Failure } from './failure.ts';
import { withStores } from './stores.ts';

export function inviteRevoke(cli: Cli): Command {
  return action('revoke', 'end an invitation: its link opens nothing any more', {
    examples: ['invite revoke --email ada@example.org'],
  })
    .requiredOption('--email <address>', 'whose, required')
    .action(({ email }: { email: string }) =>
      withStores(cli, {}, async ({ stores: { newcomers } }) => {
        if (!(await newcomers.revoke(normalizeEmail(email), BY_OPERATOR))) {
          throw new Failure(`no invitation of ${email} is open: npx gatewright invite list shows those there are`);
        }
        cli.out.result(`The invitation of ${email} has ended.`, { email, revoked: true });
      }),
    );
}
