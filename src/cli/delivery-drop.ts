import type { Command } from 'commander';
import { BY_OPERATOR } from '../lib/by.ts';
import { type ChoiceOptions, checkChoice, messages, parseChoice, withChoice } from './chosen-deliveries.ts';
import { action, type Cli } from './command.ts';
import { confirmation } from './prompt.ts';
import { withStores } from './stores.ts';

interface DropOptions extends ChoiceOptions {
  yes?: boolean;
}

export function deliveryDrop(cli: Cli): Command {
  const made = action('drop', 'forget messages: the application is never told', {
    examples: ['delivery drop --client web-app'],
    notes: 'Also what still waits. People whom the application was to sign out stay signed in there.',
  });
  return withChoice(made)
    .option('--yes', 'do not ask')
    .action(async (ids: string[], options: DropOptions) => {
      const chosen = parseChoice(ids, options);
      const confirm = confirmation(options);
      await withStores(cli, {}, async ({ stores: { deliveries } }) => {
        checkChoice(chosen, await deliveries.list(), 'message by the id');
        const what = 'ids' in chosen ? messages(chosen.ids.length) : `all messages for ${chosen.clientId}`;
        await confirm(`Drop ${what} for good?`);
        const dropped = await deliveries.drop(chosen, BY_OPERATOR);
        cli.out.result(`Dropped ${messages(dropped)}.`, { dropped });
      });
    });
}
