import type { Command } from 'commander';
import { BY_OPERATOR } from '../lib/by.ts';
import { existingApiKey } from './api-key-view.ts';
import { action, type Cli } from './command.ts';
import { Failure } from './failure.ts';
import { withStores } from './stores.ts';

export function apiKeyRevoke(cli: Cli): Command {
  return action('revoke', 'end a key for good', {
    notes: `It is refused at once, here and wherever an API asks. Where an API verifies tokens by itself, those that were made from
the key before work on for five minutes at most.`,
  })
    .argument('<id>', 'its id, key_…')
    .action((id: string) =>
      withStores(cli, {}, async ({ stores: { apiKeys } }) => {
        const { name, replacedBy } = await existingApiKey(apiKeys, id);
        if (!(await apiKeys.revoke(id, BY_OPERATOR))) throw new Failure(`${name} (${id}) is revoked already`);
        if (replacedBy !== null) cli.out.warn(`${replacedBy}, which takes its place, works on`);
        cli.out.result(`${name} (${id}) is revoked.`, { id, state: 'revoked' });
      }),
    );
}
