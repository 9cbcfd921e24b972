import type { Command } from 'commander';
import { BY_OPERATOR } from '../lib/by.ts';
import { Conflict } from '../lib/errors.ts';
import { action, type Cli, collect } from './command.ts';
import { existingRole } from './existing-role.ts';
import { Failure, UsageFailure } from './failure.ts';
import { checkRole, takenName } from './role-create.ts';
import { holdersOf, roleJson, roleText } from './role-view.ts';
import { withStores } from './stores.ts';

interface UpdateOptions {
  api: string;
  name?: string;
  permission?: string[];
  description?: string;
  everyone?: boolean;
}

export function roleUpdate(cli: Cli): Command {
  return action('update', 'change what is named of a role', {
    notes:
      'The list of permissions is replaced as a whole; an empty "" takes them all away. What changes counts in the next token, and at once where an API introspects.',
    examples: ['role update --api https://blog.example.org editor --permission posts:read --permission posts:write'],
  })
    .requiredOption('--api <api>', 'its identifier or client id, required')
    .argument('<role>', 'its name')
    .option('--name <name>', 'another name')
    .option('--permission <name>', 'what its holders may do (repeatable)', collect)
    .option('--description <text>', 'for you')
    .option('--everyone', 'every account holds it, those to come too')
    .option('--no-everyone', 'those alone that were given it')
    .action((name: string, { api, ...rest }: UpdateOptions & { json?: boolean }) => {
      const { json: _, ...named } = rest;
      if (Object.keys(named).length === 0) throw new UsageFailure('name what to change', 'gatewright role update');
      return update(cli, name, { api, ...named });
    });
}

async function update(cli: Cli, name: string, { api: which, ...named }: UpdateOptions): Promise<void> {
  await withStores(cli, {}, async ({ stores }) => {
    const { api, role: before } = await existingRole(stores, which, name);
    const permissions = named.permission ? [...new Set(named.permission.filter(Boolean))] : before.permissions;
    const { name: newName = name, description = before.description, everyone = before.everyone } = named;
    const role = { id: before.id, name: newName, description, permissions, everyone };
    checkRole(role, api);
    try {
      await stores.roles.update(role, BY_OPERATOR);
    } catch (err) {
      throw err instanceof Conflict ? new Failure(takenName(api, newName)) : err;
    }
    const { role: stored } = await existingRole(stores, api.id, newName);
    const text = roleText(stored, api, await holdersOf(stores, stored));
    cli.out.result(`Updated the role ${newName}.\n\n${text}`, roleJson(stored, api));
  });
}
