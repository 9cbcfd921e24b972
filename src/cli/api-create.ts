import type { Command } from 'commander';
import { type Client, defaultSettings } from '../clients/client.ts';
import { BY_OPERATOR } from '../lib/by.ts';
import { Conflict } from '../lib/errors.ts';
import { newId } from '../lib/ids.ts';
import {
  API_OPTIONS,
  type ApiOptions,
  addApiOptions,
  applyApiOptions,
  collectPermission,
  type Permission,
} from './api-options.ts';
import { apiJson, apiText } from './api-view.ts';
import { checkAudience, checkClient, checkId } from './client-checks.ts';
import { secretText, takenAudience, takenId } from './client-create.ts';
import { action, type Cli } from './command.ts';
import { Failure } from './failure.ts';
import { withStores } from './stores.ts';

interface CreateOptions extends ApiOptions {
  audience: string;
  name: string;
  id?: string;
  permission?: Permission[];
}

const NOTES = `An API is a client of the type resource: client rotate-secret, disable and enable are for it too.
What a person may do there is what their roles give, unless --permissions-by consent is said.`;

export function apiCreate(cli: Cli): Command {
  const made = action('create', 'register an API; prints the secret that it introspects with, once', {
    notes: NOTES,
    examples: [
      'api create --audience https://blog.example.org --name Blog --permission posts:read="Read your posts" --permission posts:write',
      'api create --audience urn:example:ledger --name Ledger --permission entries:read --token-lifetime 5m --no-refresh',
    ],
  })
    .requiredOption('--audience <address>', 'its identifier, which tokens carry as aud (RFC 8707), required')
    .requiredOption('--name <name>', 'shown to people who are asked for consent, required')
    .option('--id <id>', 'its client id, instead of a generated one')
    .option(
      '--permission <name[=text]>',
      'what may be done there, and how people are told (repeatable)',
      collectPermission,
    )
    .option('--no-refresh', 'applications get no refresh token for it');
  return addApiOptions(made).action((options: CreateOptions) => create(cli, options));
}

async function create(cli: Cli, { id = newId('cli'), permission = [], ...options }: CreateOptions): Promise<void> {
  checkId(id);
  const settings = defaultSettings('resource');
  const blank = { id, name: options.name, type: 'resource' as const, audience: null };
  const byRole = { ...settings, api: { ...settings.api, permissionsBy: 'role' as const } };
  const api = applyApiOptions({ ...blank, settings: byRole }, options, permission);
  checkClient(api, API_OPTIONS);

  await withStores(cli, { mayCreate: true }, async ({ config, stores: { clients } }) => {
    checkAudience(api, config);
    const { issueClientSecret } = await import('../clients/secrets.ts');
    const { secret, secretHash } = issueClientSecret();
    try {
      await clients.create(api, secretHash, BY_OPERATOR);
    } catch (err) {
      if (!(err instanceof Conflict)) throw err;
      throw new Failure((await clients.find(id)) ? takenId(id) : takenAudience(api.audience));
    }
    const stored = (await clients.find(id)) as Client;
    const secrets = await clients.secrets(id);
    const text = apiText(stored, secrets, [], cli.clock());
    cli.out.result(`Registered ${api.name}.\n\n${text}\n\n${secretText(secret)}`, {
      ...{ id, secret, issuer: config.issuer },
      ...apiJson(stored, secrets, []),
    });
  });
}
