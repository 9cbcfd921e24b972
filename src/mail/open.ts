import path from 'node:path';
import type { Logger } from '../lib/log.ts';
import type { Sender } from './compose.ts';
import { createFolderMailer } from './folder.ts';
import type { Mailer } from './mailer.ts';
import { createSmtpMailer, type SmtpServer } from './smtp.ts';

export interface MailOptions {
  issuer: string;
  siteName: string;
  folders: { data: string };
  mail: { from: string } & ({ by: 'smtp'; smtp: SmtpServer } | { by: 'folder' } | { by: 'off' });
}

export const MAIL_IS_OFF = 'mail is off: set SMTP_URL to a mail server, and MAIL_FROM to the address it comes from';

/** Null where mail is off. */
export function openMailer({ issuer, siteName, folders, mail }: MailOptions, log: Logger): Mailer | null {
  const sender: Sender = { from: mail.from, siteName, issuer };
  if (mail.by === 'smtp') return createSmtpMailer(mail.smtp, sender);
  return mail.by === 'folder' ? createFolderMailer(outboxFolder(folders), sender, log) : null;
}

export function outboxFolder({ data }: { data: string }): string {
  return path.join(data, 'outbox');
}
