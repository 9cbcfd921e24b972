import type { Command } from 'commander';
import { apiKeyJson, apiKeyText, existingApiKey } from './api-key-view.ts';
import { action, type Cli } from './command.ts';
import { withStores } from './stores.ts';

export function apiKeyShow(cli: Cli): Command {
  return action('show', 'show one key, never the key itself')
    .argument('<id>', 'its id, key_…')
    .action((id: string) =>
      withStores(cli, {}, async ({ stores: { apiKeys } }) => {
        const key = await existingApiKey(apiKeys, id);
        cli.out.result(apiKeyText(key, cli.clock()), apiKeyJson(key, cli.clock()));
      }),
    );
}
