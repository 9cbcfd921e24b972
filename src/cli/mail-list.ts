import type { Command } from 'commander';
import type { QueuedMail } from '../mail/queue.ts';
import { action, type Cli } from './command.ts';
import { table } from './layout.ts';
import { QUEUE_HEADINGS, queueCells, queueJson } from './queue-lines.ts';
import { withStores } from './stores.ts';

const NOTES = `A mail that went out is in the list no more. One that was given up (NEXT TRY is "never") keeps its line, without
address and content.`;

export function mailList(cli: Cli): Command {
  return action('list', 'list the mail that waits or was given up, addresses masked', { notes: NOTES }).action(() =>
    withStores(cli, {}, async ({ config, stores }) => {
      if (config.mail.by === 'off') {
        const { MAIL_IS_OFF } = await import('../mail/open.ts');
        cli.out.warn(`${MAIL_IS_OFF}; until then the server drops what is queued`);
      }
      const mails = await stores.mails.list();
      const text = mails.length > 0 ? mailTable(mails, cli.out.width) : 'No mail waits, and none was given up.';
      cli.out.result(text, mails.map(queueJson));
    }),
  );
}

function mailTable(mails: QueuedMail[], width: number | null): string {
  const rows = mails.map((mail) => [mail.id, mail.message, mail.to, ...queueCells(mail)]);
  return table({ headings: ['ID', 'MAIL', 'TO', ...QUEUE_HEADINGS], rows, width });
}
