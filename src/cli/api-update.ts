import type { Command } from 'commander';
import type { Client } from '../clients/client.ts';
import { BY_OPERATOR } from '../lib/by.ts';
import { Conflict } from '../lib/errors.ts';
import {
  API_OPTIONS,
  type ApiOptions,
  addApiOptions,
  applyApiOptions,
  collectPermission,
  type Permission,
  permissionsOf,
} from './api-options.ts';
import { apiJson, apiText } from './api-view.ts';
import { checkAudience, checkClient } from './client-checks.ts';
import { takenAudience } from './client-create.ts';
import { action, type Cli, collect } from './command.ts';
import { existingApi } from './existing-api.ts';
import { Failure, UsageFailure } from './failure.ts';
import { checkPermissionUse } from './permission-use.ts';
import { withStores } from './stores.ts';

interface UpdateOptions extends ApiOptions {
  addPermission?: Permission[];
  removePermission?: string[];
  force?: boolean;
  json?: boolean;
}

export function apiUpdate(cli: Cli): Command {
  const made = action('update', 'change the settings that are named', {
    notes:
      'Tokens are made as it says from the next one on. Adding a permission that is there changes its text.\n' +
      'An empty --token-lifetime "" gives its tokens the lifetime of all others.',
    examples: [
      'api update https://blog.example.org --add-permission posts:delete:own="Delete your own posts"',
      'api update https://blog.example.org --remove-permission posts:delete:own',
      'api update https://blog.example.org --token-lifetime 10m --sender-constrained dpop',
    ],
  })
    .argument('<api>', 'its identifier or its client id')
    .option('--name <name>', 'shown to people who are asked for consent')
    .option('--audience <address>', 'another identifier')
    .option('--add-permission <name[=text]>', 'one more, or another text (repeatable)', collectPermission)
    .option('--remove-permission <name>', 'one less (repeatable)', collect)
    .option('--force', 'also where roles or API keys have it: it is taken from them')
    .option('--refresh', 'applications may get a refresh token for it')
    .option('--no-refresh', 'they may not');
  return addApiOptions(made).action((which: string, { json: _, force = false, ...named }: UpdateOptions) => {
    if (Object.keys(named).length === 0) throw new UsageFailure('name what to change', 'gatewright api update');
    return update(cli, which, named, force);
  });
}

async function update(cli: Cli, which: string, named: UpdateOptions, force: boolean): Promise<void> {
  await withStores(cli, {}, async ({ config, stores: { clients, roles } }) => {
    const before = await existingApi(clients, which);
    const api = applyApiOptions(before, named, changed(before, named));
    checkClient(api, API_OPTIONS);
    checkAudience(api, config);
    await checkPermissionUse(clients, before, api.settings.scopes, force);
    try {
      await clients.update(api, BY_OPERATOR);
    } catch (err) {
      throw err instanceof Conflict ? new Failure(takenAudience(api.audience)) : err;
    }
    const stored = (await clients.find(api.id)) as Client;
    const [secrets, ofApi] = [await clients.secrets(api.id), await roles.list(api.id)];
    const text = `Updated ${stored.name}.\n\n${apiText(stored, secrets, ofApi, cli.clock())}`;
    cli.out.result(text, apiJson(stored, secrets, ofApi));
  });
}

/** @throws {Failure} */
function changed(
  { name, settings }: Client,
  { addPermission = [], removePermission = [] }: UpdateOptions,
): Permission[] {
  const unknown = removePermission.find((one) => !settings.scopes.includes(one));
  if (unknown !== undefined) throw new Failure(`${name} has no permission ${unknown} to remove`);
  const texts = new Map(permissionsOf(settings).map(({ name: known, text }) => [known, text]));
  for (const one of removePermission) texts.delete(one);
  // Without a text it keeps the one that it has; an empty one takes it away.
  for (const added of addPermission) texts.set(added.name, added.text ?? texts.get(added.name) ?? null);
  return [...texts].map(([known, text]) => ({ name: known, text }));
}
