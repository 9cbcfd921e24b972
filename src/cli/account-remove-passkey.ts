import type { Command } from 'commander';
import { BY_OPERATOR } from '../lib/by.ts';
import { action, type Cli } from './command.ts';
import { existingAccount } from './existing-account.ts';
import { Failure } from './failure.ts';
import { confirmation } from './prompt.ts';
import { withStores } from './stores.ts';

export function accountRemovePasskey(cli: Cli): Command {
  return action('remove-passkey', 'remove one passkey of somebody, such as one on a device that was lost', {
    examples: ['account remove-passkey ada@example.org psk_Zp3kQw7Rn2VtYb5LxA9mCe'],
  })
    .argument('<account>', 'its id or email')
    .argument('<passkey>', 'its id, as account show has it')
    .option('--yes', 'do not ask')
    .action(async (who: string, passkey: string, options: { yes?: boolean }) => {
      const confirm = confirmation(options);
      await withStores(cli, {}, async ({ stores: { accounts, passkeys } }) => {
        const { id: accountId, email, hasTotp, passwordHash } = await existingAccount(accounts, who);
        const known = await passkeys.ofAccount(accountId);
        const missing = new Failure(`${email} has no passkey ${passkey}: account show lists those there are`);
        const wanted = known.find(({ id }) => id === passkey);
        if (!wanted) throw missing;
        await confirm(
          `Remove the passkey "${wanted.name}" of ${email}?${known.length > 1 ? '' : last(hasTotp, passwordHash)}`,
        );
        if (!(await passkeys.removeByOperator(accountId, wanted.id, BY_OPERATOR))) throw missing;
        const text = `${email} has no passkey ${wanted.id} any more, and is signed out everywhere.`;
        cli.out.result(text, { id: accountId, email, removed: wanted.id, passkeysLeft: known.length - 1 });
      });
    });
}

function last(hasTotp: boolean, passwordHash: string | null): string {
  const codes = hasTotp ? '' : ' It is the only second factor: the recovery codes go with it.';
  const way = passwordHash === null ? ' There is no password: a mailed link, or set-password, sets one.' : '';
  return codes + way;
}
