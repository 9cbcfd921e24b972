import type { Command } from 'commander';
import type { ClientStatus } from '../clients/client.ts';
import { BY_OPERATOR } from '../lib/by.ts';
import { existingClient } from './client-checks.ts';
import { action, type Cli } from './command.ts';
import { withStores } from './stores.ts';

export function clientDisable(cli: Cli): Command {
  return statusCommand(cli, 'disable', 'refuse it and every token issued to it, until it is enabled', 'disabled');
}

export function clientEnable(cli: Cli): Command {
  return statusCommand(cli, 'enable', 'let a disabled client work again; people sign in anew', 'active');
}

function statusCommand(cli: Cli, verb: string, description: string, status: ClientStatus): Command {
  return action(verb, description)
    .argument('<id>', 'its client id')
    .action((id: string) =>
      withStores(cli, {}, async ({ stores: { clients } }) => {
        const { name } = await existingClient(clients, id);
        await clients.setStatus(id, status, BY_OPERATOR);
        cli.out.result(`${name} (${id}) is ${status} now.`, { id, status });
      }),
    );
}
