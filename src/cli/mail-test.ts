import path from 'node:path';
import type { Command } from 'commander';
import { parseConfig } from '../config/config.ts';
import { newId } from '../lib/ids.ts';
import { isMailAddress } from '../lib/mail-address.ts';
import { action, type Cli } from './command.ts';
import { Failure, UsageFailure } from './failure.ts';

const VIEWS = path.join(import.meta.dirname, '../../views');
const NOTES = 'It goes out at once, past the queue, and the command says what the mail server answers.';

export function mailTest(cli: Cli): Command {
  return action('test', 'send a message to an address, to see whether mail arrives', { notes: NOTES })
    .argument('<address>', 'where to')
    .option('--language <tag>', 'en or de', 'en')
    .action(async (to: string, { language }: { language: string }) => {
      if (!isMailAddress(to)) throw new UsageFailure(`${to} is no address such as ada@example.org`, 'mail test');
      const config = parseConfig(cli.env);
      const [{ MAIL_IS_OFF, openMailer, outboxFolder }, { createMailViews }, { createLog }] = await Promise.all([
        import('../mail/open.ts'),
        import('../web/mail-views.ts'),
        import('../lib/log.ts'),
      ]);
      const mailer = openMailer(config, createLog('silent'));
      if (mailer === null) throw new Failure(MAIL_IS_OFF);

      const { issuer, siteName, folders, mail } = config;
      const render = createMailViews({
        ...{ folder: VIEWS, siteName, issuer },
        overrideFolder: folders.viewsOverride ?? undefined,
      });
      const id = newId('msg');
      const letter = { name: null, locale: language, at: cli.clock(), about: { message: 'test' } } as const;
      try {
        await mailer.send({ id, to, ...render(letter) });
      } catch (err) {
        throw new Failure(`it was not sent: ${(err as Error).message}; npx gatewright doctor looks closer`);
      }
      const file = path.join(outboxFolder(folders), `${id}.eml`);
      const written = `Without SMTP_URL mail is written into files: ${file}`;
      const sent = 'The mail server has taken it over.';
      cli.out.result(mail.by === 'folder' ? written : sent, { id, by: mail.by, ...(mail.by === 'folder' && { file }) });
    });
}
