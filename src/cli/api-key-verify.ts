import type { Command } from 'commander';
import { apiKeyHash } from '../api-keys/format.ts';
import { apiKeyJson, apiKeyText } from './api-key-view.ts';
import { action, type Cli } from './command.ts';
import { Failure } from './failure.ts';
import { askUnseen, readLine } from './prompt.ts';
import { withStores } from './stores.ts';

export function apiKeyVerify(cli: Cli): Command {
  return action('verify', 'say whose a key is that was found somewhere; reads it from the terminal or a pipe', {
    examples: ['api-key verify < found.txt'],
    notes: 'It is never an argument, which all users of a machine can read. To be looked at does not count as a use.',
  }).action(async () => {
    const presented = (process.stdin.isTTY ? await askUnseen('API key') : await readLine('API key')).trim();
    const hash = apiKeyHash(presented);
    if (hash === null) throw new Failure('this is no API key, or not all of it: its checksum does not fit');

    await withStores(cli, {}, async ({ stores: { apiKeys } }) => {
      const key = await apiKeys.findByHash(hash);
      if (!key)
        throw new Failure('this is an API key, but none of this installation, or its client or API was deleted');
      cli.out.result(apiKeyText(key, cli.clock()), apiKeyJson(key, cli.clock()));
    });
  });
}
