import type { Command } from 'commander';
import type { QueuedMail } from '../mail/queue.ts';
import { action, type Cli } from './command.ts';
import { iso, table } from './layout.ts';
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
      cli.out.result(text, mails.map(json));
    }),
  );
}

function mailTable(mails: QueuedMail[], width: number | null): string {
  const rows = mails.map(({ id, message, to, createdAt, attempts, dueAt, lastError }) => {
    return [id, message, to, iso(createdAt), String(attempts), dueAt === null ? 'never' : iso(dueAt), lastError ?? ''];
  });
  return table({ headings: ['ID', 'MAIL', 'TO', 'SINCE', 'TRIES', 'NEXT TRY', 'LAST ERROR'], rows, width });
}

function json({ createdAt, dueAt, ...rest }: QueuedMail) {
  return { ...rest, createdAt: iso(createdAt), nextTryAt: dueAt === null ? null : iso(dueAt), givenUp: dueAt === null };
}
