import { type Command, Option } from 'commander';
import { CLIENT_TYPES, type Client, type ClientType, defaultSettings } from '../clients/client.ts';
import { BY_OPERATOR } from '../lib/by.ts';
import { Conflict } from '../lib/errors.ts';
import { newId } from '../lib/ids.ts';
import { warnOfNoCertificates } from './certificate-options.ts';
import {
  checkAudience,
  checkClient,
  checkId,
  usesSecret,
  warnOfEmptyList,
  warnOfUnknownAudiences,
  warnOfUnreachableLevel,
} from './client-checks.ts';
import { addClientOptions, applyOptions, type ClientOptions } from './client-options.ts';
import { clientJson, clientText } from './client-view.ts';
import { action, type Cli } from './command.ts';
import { Failure } from './failure.ts';
import { withStores } from './stores.ts';

const TYPES = `Types:
  web       an application with a server of its own that keeps a secret
  spa       an application in the browser
  native    an application on a phone or desktop
  service   a machine that acts for itself (client credentials)
  resource  an API: tokens are made for its audience, and it may introspect them (better: api create)`;

interface CreateOptions extends ClientOptions {
  type: ClientType;
  name: string;
  id?: string;
}

export function clientCreate(cli: Cli): Command {
  const made = action('create', 'register an application or an API; prints its secret, once', {
    notes: TYPES,
    examples: [
      'client create --type web --name Wiki --redirect-uri https://wiki.example.org/callback --first-party',
      'client create --type spa --name Shop --redirect-uri https://shop.example.org/ --audience https://api.example.org',
      'client create --type resource --name Orders --audience https://api.example.org --scope "orders:read orders:write"',
      'client create --type native --name "Living room TV" --device --client-uri https://tv.example.org',
      'client create --type service --name Billing --audience https://api.example.org --scope orders:read',
    ],
  })
    .addOption(new Option('--type <type>', 'what it is, required').choices(CLIENT_TYPES).makeOptionMandatory())
    .requiredOption('--name <name>', 'shown to people who are asked for consent, required')
    .option('--id <id>', 'its client id, instead of a generated one');

  return addClientOptions(made, { everySwitch: false }).action((options: CreateOptions) => create(cli, options));
}

async function create(cli: Cli, options: CreateOptions): Promise<void> {
  const { type, name } = options;
  const { id: chosen = newId('cli') } = options;
  checkId(chosen);
  const blank = { id: chosen, name, type, audience: null, settings: defaultSettings(type) };
  const client = applyOptions(blank, options);
  checkClient(client);

  await withStores(cli, { mayCreate: true }, async ({ config, stores }) => {
    const { clients } = stores;
    checkAudience(client, config);
    const { issueClientSecret } = await import('../clients/secrets.ts');
    const issued = usesSecret(client.settings) ? issueClientSecret() : null;
    try {
      await clients.create(client, issued?.secretHash ?? null, BY_OPERATOR);
    } catch (err) {
      if (!(err instanceof Conflict)) throw err;
      throw new Failure((await clients.find(client.id)) ? takenId(client.id) : takenAudience(client.audience));
    }
    await warnOfUnknownAudiences(clients, client.settings, cli.out);
    warnOfUnreachableLevel(client.settings, config, cli.out);
    warnOfNoCertificates(client.settings, config, cli.out);

    const stored = (await clients.find(client.id)) as Client;
    await warnOfEmptyList(stores, stored, cli.out);
    const secrets = await clients.secrets(client.id);
    const text = `Registered ${name}.\n\n${clientText(stored, secrets, cli.clock(), config.issuer)}`;
    const { id, ...rest } = clientJson(stored, secrets);
    cli.out.result(issued ? `${text}\n\n${secretText(issued.secret)}` : text, {
      ...{ id, secret: issued?.secret ?? null, issuer: config.issuer },
      ...rest,
    });
  });
}

export function secretText(secret: string): string {
  return `Client secret, shown this once and kept nowhere:\n\n  ${secret}`;
}

export function takenAudience(audience: string | null): string {
  return `another API is registered as ${audience} already: an audience names one API`;
}

export function takenId(id: string): string {
  return `there is a client ${id} already: choose another --id, or change that one with client update`;
}
