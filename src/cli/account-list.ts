import type { Command } from 'commander';
import { hasSecondFactor } from '../accounts/account.ts';
import { accountJson, statusText } from './account-view.ts';
import { yesNo } from './client-view.ts';
import { action, type Cli } from './command.ts';
import { iso, table } from './layout.ts';
import { withStores } from './stores.ts';

const HEADINGS = ['ID', 'EMAIL', 'ROLE', 'STATUS', '2ND FACTOR', 'NEW PASSWORD DUE', 'CREATED'];

export function accountList(cli: Cli): Command {
  return action('list', 'list all accounts').action(() =>
    withStores(cli, {}, async ({ stores: { accounts } }) => {
      const all = await accounts.list();
      const rows = all.map((account) => {
        const { id, email, role, mustChangePassword, createdAt } = account;
        return [
          id,
          email,
          role,
          statusText(account),
          yesNo(hasSecondFactor(account)),
          yesNo(mustChangePassword),
          iso(createdAt),
        ];
      });
      const text = table({ headings: HEADINGS, rows, width: cli.out.width });
      cli.out.result(all.length > 0 ? text : 'There are no accounts.', all.map(accountJson));
    }),
  );
}
