import type { Command } from 'commander';
import { roleProblems } from '../authorization/role.ts';
import type { Client } from '../clients/client.ts';
import { BY_OPERATOR } from '../lib/by.ts';
import { Conflict } from '../lib/errors.ts';
import { newId } from '../lib/ids.ts';
import { action, type Cli, collect } from './command.ts';
import { existingApi } from './existing-api.ts';
import { Failure } from './failure.ts';
import { roleJson, roleText } from './role-view.ts';
import { withStores } from './stores.ts';

interface CreateOptions {
  api: string;
  name: string;
  permission?: string[];
  description?: string;
  everyone?: boolean;
}

export function roleCreate(cli: Cli): Command {
  return action('create', 'make a role: a set of permissions of one API', {
    examples: [
      'role create --api https://blog.example.org --name editor --permission posts:read --permission posts:write',
      'role create --api https://blog.example.org --name reader --permission posts:read --everyone',
    ],
  })
    .requiredOption('--api <api>', 'whose permissions: its identifier or client id, required')
    .requiredOption('--name <name>', 'as it stands in tokens, required')
    .option('--permission <name>', 'what its holders may do (repeatable)', collect)
    .option('--description <text>', 'for you')
    .option('--everyone', 'every account holds it, those to come too')
    .action((options: CreateOptions) => create(cli, options));
}

async function create(cli: Cli, { api: which, name, ...options }: CreateOptions): Promise<void> {
  const { permission = [], description = '', everyone = false } = options;
  await withStores(cli, {}, async ({ stores: { clients, roles } }) => {
    const api = await existingApi(clients, which);
    const permissions = [...new Set(permission)];
    const role = { id: newId('rol'), apiId: api.id, name, description, permissions, everyone };
    checkRole(role, api);
    try {
      await roles.create(role, BY_OPERATOR);
    } catch (err) {
      throw err instanceof Conflict ? new Failure(takenName(api, name)) : err;
    }
    const stored = await roles.find(api.id, name);
    if (!stored) throw new Failure(`the role ${name} was deleted meanwhile`);
    cli.out.result(`Made the role ${name}.\n\n${roleText(stored, api, [])}`, roleJson(stored, api));
  });
}

/** @throws {Failure} with every problem */
export function checkRole(role: Parameters<typeof roleProblems>[0], api: Client): void {
  const problems = roleProblems(role, api.settings.scopes);
  if (problems.length > 0) throw new Failure('the role cannot be like this', problems);
}

export function takenName(api: Client, name: string): string {
  return `${api.name} has a role ${name} already: choose another --name, or change that one with role update`;
}
