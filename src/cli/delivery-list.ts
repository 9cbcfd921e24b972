import type { Command } from 'commander';
import type { Delivery } from '../outbox/deliveries.ts';
import { action, type Cli } from './command.ts';
import { table } from './layout.ts';
import { QUEUE_HEADINGS, queueCells, queueJson } from './queue-lines.ts';
import { withStores } from './stores.ts';

const NOTES = `What an application has taken is in the list no more. Tries go on for about a day, less and less often; what was
given up then (NEXT TRY is "never") stays until it is tried again or dropped.`;

export function deliveryList(cli: Cli): Command {
  return action('list', 'list the messages that applications have not taken', {
    examples: ['delivery list --failed', 'delivery list --client web-app'],
    notes: NOTES,
  })
    .option('--failed', 'only what was given up')
    .option('--client <id>', 'only for this application')
    .action(({ failed = false, client }: { failed?: boolean; client?: string }) =>
      withStores(cli, {}, async ({ stores }) => {
        const deliveries = (await stores.deliveries.list())
          .filter(({ dueAt }) => !failed || dueAt === null)
          .filter(({ clientId }) => client === undefined || clientId === client);
        const none = failed ? 'No message was given up.' : 'No message waits, and none was given up.';
        cli.out.result(
          deliveries.length > 0 ? deliveryTable(deliveries, cli.out.width) : none,
          deliveries.map(queueJson),
        );
      }),
    );
}

function deliveryTable(deliveries: Delivery[], width: number | null): string {
  const rows = deliveries.map((one) => [one.id, one.message, one.clientId, ...queueCells(one)]);
  return table({ headings: ['ID', 'MESSAGE', 'CLIENT', ...QUEUE_HEADINGS], rows, width });
}
