import type { Command } from 'commander';
import { checkSignsPeopleIn, warnWhereOpen } from './client-allow.ts';
import { existingClient } from './client-checks.ts';
import { action, type Cli } from './command.ts';
import { iso, table } from './layout.ts';
import { withStores } from './stores.ts';

export function clientAccounts(cli: Cli): Command {
  return action('accounts', 'list the accounts that may use an application which is open to those listed alone')
    .argument('<id>', 'its client id')
    .action((id: string) =>
      withStores(cli, {}, async ({ stores: { accounts, clients, listedAccounts } }) => {
        const client = await existingClient(clients, id);
        checkSignsPeopleIn(client);
        const listed = [];
        for (const { accountId, since } of await listedAccounts.ofClient(id)) {
          const email = (await accounts.find(accountId))?.email ?? '';
          listed.push({ id: accountId, email, since: iso(since) });
        }
        warnWhereOpen(client, cli);
        const rows = listed.map(({ id: accountId, email, since }) => [accountId, email, since]);
        const text = table({ headings: ['ID', 'EMAIL', 'SINCE'], rows, width: cli.out.width });
        cli.out.result(listed.length > 0 ? text : `Nobody is listed for ${client.name}.`, listed);
      }),
    );
}
