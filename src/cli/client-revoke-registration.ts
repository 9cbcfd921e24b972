import type { Command } from 'commander';
import { BY_OPERATOR } from '../lib/by.ts';
import { existingClient } from './client-checks.ts';
import { action, type Cli } from './command.ts';
import { Failure } from './failure.ts';
import { withStores } from './stores.ts';

export function clientRevokeRegistration(cli: Cli): Command {
  return action('revoke-registration', 'let a client that registered itself change and delete that no more')
    .argument('<id>', 'its client id')
    .action((id: string) =>
      withStores(cli, {}, async ({ stores: { clients } }) => {
        const { name } = await existingClient(clients, id);
        if (!(await clients.endSelfManagement(id, BY_OPERATOR))) {
          throw new Failure(`${name} (${id}) does not manage its own registration: there is nothing to revoke`);
        }
        cli.out.result(`${name} (${id}) is changed by an operator only now.`, { id, managesItself: false });
      }),
    );
}
