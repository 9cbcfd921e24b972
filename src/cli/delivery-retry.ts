import type { Command } from 'commander';
import { BY_OPERATOR } from '../lib/by.ts';
import { type ChoiceOptions, checkChoice, messages, parseChoice, withChoice } from './chosen-deliveries.ts';
import { action, type Cli } from './command.ts';
import { withStores } from './stores.ts';

const NOTES = `A running server tries them within a second; where other messages for the application have just failed, when those
are due.`;

export function deliveryRetry(cli: Cli): Command {
  const made = action('retry', 'have messages that were given up tried again', {
    examples: ['delivery retry --client web-app', 'delivery retry msg_2mGzW1hHkPj0hVQ5bXyBAg'],
    notes: NOTES,
  });
  return withChoice(made).action(async (ids: string[], options: ChoiceOptions) => {
    const chosen = parseChoice(ids, options);
    await withStores(cli, {}, async ({ stores: { deliveries } }) => {
      const givenUp = (await deliveries.list()).filter(({ dueAt }) => dueAt === null);
      checkChoice(chosen, givenUp, 'message that was given up by the id');
      const retried = await deliveries.retry(chosen, BY_OPERATOR);
      cli.out.result(`${messages(retried)} will be tried again.`, { retried });
    });
  });
}
