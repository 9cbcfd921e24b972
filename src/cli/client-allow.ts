import type { Command } from 'commander';
import type { Client } from '../clients/client.ts';
import { BY_OPERATOR } from '../lib/by.ts';
import { existingClient } from './client-checks.ts';
import { action, type Cli } from './command.ts';
import { existingAccount } from './existing-account.ts';
import { Failure } from './failure.ts';
import { type Opened, withStores } from './stores.ts';

const OF_CLIENT = ['<id>', 'the client id of the application'] as const;
const OF_ACCOUNTS = ['<account...>', 'their ids or emails'] as const;

export function clientAllow(cli: Cli): Command {
  return action('allow', 'let accounts use an application that is open to those listed alone', {
    examples: ['client allow wiki ada@example.org grace@example.org'],
  })
    .argument(...OF_CLIENT)
    .argument(...OF_ACCOUNTS)
    .action((id: string, people: string[]) =>
      change(cli, id, people, {
        write: ({ listedAccounts }, clientId, accountId) => listedAccounts.add(clientId, accountId, BY_OPERATOR),
        done: 'is listed now for',
        already: 'was listed already',
        isListed: true,
      }),
    );
}

export function clientDisallow(cli: Cli): Command {
  return action('disallow', 'take accounts off that list: what the application holds for them ends at once', {
    examples: ['client disallow wiki ada@example.org'],
  })
    .argument(...OF_CLIENT)
    .argument(...OF_ACCOUNTS)
    .action((id: string, people: string[]) =>
      change(cli, id, people, {
        write: ({ listedAccounts }, clientId, accountId) => listedAccounts.remove(clientId, accountId, BY_OPERATOR),
        done: 'is no longer listed for',
        already: 'was not listed',
        isListed: false,
      }),
    );
}

interface Change {
  write(stores: Opened['stores'], clientId: string, accountId: string): Promise<boolean>;
  done: string;
  already: string;
  isListed: boolean;
}

async function change(cli: Cli, id: string, people: string[], { write, done, already, isListed }: Change) {
  await withStores(cli, {}, async ({ stores }) => {
    const client = await existingClient(stores.clients, id);
    checkSignsPeopleIn(client);
    // All of them are known before any of them is changed.
    const accounts = new Map<string, string>();
    for (const who of people) {
      const { id: accountId, email } = await existingAccount(stores.accounts, who);
      accounts.set(accountId, email);
    }
    const results = [];
    for (const [accountId, email] of accounts) {
      results.push({ id: accountId, email, changed: await write(stores, id, accountId) });
    }
    warnWhereOpen(client, cli);
    const lines = results.map(({ email, changed }) =>
      changed ? `${email} ${done} ${client.name} (${id}).` : `${email} ${already}.`,
    );
    cli.out.result(lines.join('\n'), { clientId: id, listed: isListed, accounts: results });
  });
}

/** @throws {Failure} */
export function checkSignsPeopleIn({ id, name, type }: Client): void {
  if (type !== 'service' && type !== 'resource') return;
  throw new Failure(`nobody signs in to ${name} (${id}), a ${type} client: only applications have a list of accounts`);
}

export function warnWhereOpen({ id, name, settings }: Client, { out }: Cli): void {
  if (settings.accounts === 'listed') return;
  out.warn(
    `${name} is open to everybody, and its list does not count: npx gatewright client update ${id} --accounts listed`,
  );
}
