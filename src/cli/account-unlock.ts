import type { Command } from 'commander';
import { normalizeEmail } from '../accounts/account.ts';
import { BY_OPERATOR } from '../lib/by.ts';
import { createAttempts } from '../limits/attempts.ts';
import { action, type Cli } from './command.ts';
import { existingAccount } from './existing-account.ts';
import { withStores } from './stores.ts';

export function accountUnlock(cli: Cli): Command {
  return action('unlock', 'let somebody try again who must wait after too many wrong passwords or codes')
    .argument('<account>', 'its id or email')
    .action((who: string) =>
      withStores(cli, {}, async ({ config: { limits }, stores: { accounts, attempts: store, audit, lastingKeys } }) => {
        const { id, email } = await existingAccount(accounts, who);
        const attempts = createAttempts({ store, limits, clock: cli.clock, keys: lastingKeys });
        await attempts.lift(id, normalizeEmail(email));
        await audit.write({ event: 'account.unlocked', accountId: id }, BY_OPERATOR);
        cli.out.result(`${email} may try again at once.`, { id, email, unlocked: true });
      }),
    );
}
