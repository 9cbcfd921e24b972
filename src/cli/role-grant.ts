import type { Command } from 'commander';
import type { Role, RoleHolder } from '../authorization/role.ts';
import { BY_OPERATOR } from '../lib/by.ts';
import { existingClient } from './client-checks.ts';
import { action, type Cli } from './command.ts';
import { existingAccount } from './existing-account.ts';
import { existingRole } from './existing-role.ts';
import { Failure, UsageFailure } from './failure.ts';
import type { NamedHolder } from './role-view.ts';
import { type Opened, withStores } from './stores.ts';

type Stores = Opened['stores'];

export function roleGrant(cli: Cli): Command {
  return holderCommand(cli, 'grant', 'give a role to an account or a service', {
    write: ({ roles }, role, holder) => roles.grant(role.id, holder, BY_OPERATOR),
    done: 'holds the role',
    already: 'held the role already:',
  });
}

export function roleRevoke(cli: Cli): Command {
  return holderCommand(cli, 'revoke', 'take a role from an account or a service', {
    write: ({ roles }, role, holder) => roles.revoke(role.id, holder, BY_OPERATOR),
    done: 'no longer holds the role',
    already: 'did not hold the role',
  });
}

interface Change {
  write(stores: Stores, role: Role, holder: RoleHolder): Promise<boolean>;
  done: string;
  already: string;
}

interface HolderOptions {
  api: string;
  client?: string;
}

function holderCommand(cli: Cli, verb: 'grant' | 'revoke', description: string, { write, done, already }: Change) {
  const asked = `role ${verb} --api https://blog.example.org editor`;
  return action(verb, description, {
    notes: 'Counts in the next token, and at once where an API introspects.',
    examples: [`${asked} ada@example.org`, `${asked} --client cli_…`],
  })
    .requiredOption('--api <api>', 'its identifier or client id, required')
    .argument('<role>', 'its name')
    .argument('[account]', 'an id or email')
    .option('--client <id>', 'a service instead: its client id')
    .action(async (name: string, account: string | undefined, { api: which, client }: HolderOptions) => {
      if ((account === undefined) === (client === undefined)) {
        throw new UsageFailure('name an account, or a service with --client', `gatewright role ${verb}`);
      }
      await withStores(cli, {}, async ({ stores }) => {
        const { api, role } = await existingRole(stores, which, name);
        const holder = client === undefined ? await person(stores, account ?? '') : await service(stores, client);
        const changed = await write(stores, role, holder);
        if (verb === 'revoke' && role.everyone && holder.kind === 'account') {
          cli.out.warn(`every account holds ${name}: npx gatewright role update --api ${api.id} ${name} --no-everyone`);
        }
        const text = `${holder.name} ${changed ? done : already} ${name} of ${api.name}.`;
        cli.out.result(text, { role: name, api: { id: api.id, audience: api.audience }, holder, changed });
      });
    });
}

async function person({ accounts }: Stores, who: string): Promise<NamedHolder> {
  const { id, email } = await existingAccount(accounts, who);
  return { kind: 'account', id, name: email };
}

/** @throws {Failure} */
async function service({ clients }: Stores, id: string): Promise<NamedHolder> {
  const { name, type } = await existingClient(clients, id);
  if (type === 'service') return { kind: 'client', id, name };
  throw new Failure(
    `${name} (${id}) is a ${type} client: of clients, services alone act for themselves and hold roles`,
  );
}
