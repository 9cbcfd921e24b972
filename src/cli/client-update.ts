import type { Command } from 'commander';
import type { Client } from '../clients/client.ts';
import { BY_OPERATOR } from '../lib/by.ts';
import { Conflict } from '../lib/errors.ts';
import { warnOfNoCertificates } from './certificate-options.ts';
import {
  checkAudience,
  checkClient,
  existingClient,
  usesSecret,
  warnOfEmptyList,
  warnOfUnknownAudiences,
  warnOfUnreachableLevel,
} from './client-checks.ts';
import { takenAudience } from './client-create.ts';
import { addClientOptions, applyOptions, type ClientOptions } from './client-options.ts';
import { clientJson, clientText } from './client-view.ts';
import { action, type Cli } from './command.ts';
import { Failure, UsageFailure } from './failure.ts';
import { checkPermissionUse } from './permission-use.ts';
import { withStores } from './stores.ts';

type UpdateOptions = ClientOptions & { name?: string; json?: boolean };

export function clientUpdate(cli: Cli): Command {
  const made = action('update', 'change the settings that are named', {
    notes: 'A list is replaced as a whole. An empty "" takes a value away.',
    examples: [
      'client update cli_… --name "The wiki"',
      'client update cli_… --redirect-uri https://wiki.example.org/a --redirect-uri https://wiki.example.org/b',
      'client update cli_… --backchannel-logout-uri ""',
    ],
  })
    .argument('<id>', 'its client id')
    .option('--name <name>', 'shown to people when they are asked for consent');

  return addClientOptions(made, { everySwitch: true }).action((id: string, options: UpdateOptions) => {
    const { json, ...named } = options;
    if (Object.keys(named).length === 0) throw new UsageFailure('name what to change', 'gatewright client update');
    return update(cli, id, named);
  });
}

async function update(cli: Cli, id: string, named: UpdateOptions): Promise<void> {
  await withStores(cli, {}, async ({ config, stores }) => {
    const { clients } = stores;
    const before = await existingClient(clients, id);
    const client = applyOptions({ ...before, name: named.name ?? before.name }, named);
    checkClient(client);
    checkAudience(client, config);
    if (client.settings.firstParty && before.registeredBy !== null) {
      throw new Failure('--first-party is for clients that an operator registered: register it with client create');
    }
    if (client.type === 'resource') await checkPermissionUse(clients, before, client.settings.scopes, false);
    try {
      await clients.update(client, BY_OPERATOR);
    } catch (err) {
      throw err instanceof Conflict ? new Failure(takenAudience(client.audience)) : err;
    }
    if (named.minimumLevel) warnOfUnreachableLevel(client.settings, config, cli.out);
    warnOfNoCertificates(client.settings, config, cli.out);
    if (named.audience) await warnOfUnknownAudiences(clients, client.settings, cli.out);

    const stored = (await clients.find(id)) as Client;
    if (named.accounts) await warnOfEmptyList(stores, stored, cli.out);
    const secrets = await clients.secrets(id);
    if (usesSecret(stored.settings) && secrets.length === 0) {
      cli.out.warn(`this client has no secret yet: npx gatewright client rotate-secret ${id} makes one`);
    }
    cli.out.result(
      `Updated ${stored.name}.\n\n${clientText(stored, secrets, cli.clock())}`,
      clientJson(stored, secrets),
    );
  });
}
