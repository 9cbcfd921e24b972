import type { SendMailOptions } from 'nodemailer';
import { isMailAddress } from '../lib/mail-address.ts';
import { Hopeless } from '../outbox/outbox.ts';
import type { Mail } from './mailer.ts';

export interface Sender {
  /** The bare address. */
  from: string;
  siteName: string;
  issuer: string;
}

/** @throws {Hopeless} where the address is none that mail can be sent to */
export function compose({ from, siteName, issuer }: Sender, mail: Mail): SendMailOptions {
  const { id, to, language, subject, text, html } = mail;
  if (!isMailAddress(to)) throw new Hopeless('the address is none that mail can be sent to');
  return {
    from: { name: oneLine(siteName), address: from },
    to: { name: '', address: to },
    envelope: { from, to: [to] },
    subject: oneLine(subject),
    ...{ text, html },
    messageId: `<${id}@${new URL(issuer).hostname.replace(/^\[|\]$/g, '')}>`,
    headers: {
      // RFC 3834 5: nobody's holiday answers it.
      'Auto-Submitted': 'auto-generated',
      'Content-Language': language,
    },
    // A name or a text is never taken for the path or address of something to attach.
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

/** A line break would begin another header. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim();
}
