import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import nodemailer from 'nodemailer';
import type { Logger } from '../lib/log.ts';
import { compose, type Sender } from './compose.ts';
import type { Mailer } from './mailer.ts';

/** For a try-out on one machine: each letter becomes a file that mail programs open. */
export function createFolderMailer(folder: string, sender: Sender, log: Logger): Mailer {
  const transport = nodemailer.createTransport({ streamTransport: true, buffer: true, newline: 'windows' });

  return {
    async send(mail) {
      const { message } = await transport.sendMail(compose(sender, mail));
      const name = `${mail.id}.eml`;
      const file = path.join(folder, name);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      // A reader of the folder sees it whole, and only its owner reads it: it may open an account.
      await writeFile(`${file}.part`, message as Buffer, { mode: 0o600 });
      await rename(`${file}.part`, file);
      log.info({ file: name }, 'a letter was written into the outbox folder');
    },
    close() {},
  };
}
