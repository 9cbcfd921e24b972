import nodemailer from 'nodemailer';
import { type Seconds, toMilliseconds } from '../lib/duration.ts';
import { Hopeless } from '../outbox/outbox.ts';
import { compose, type Sender } from './compose.ts';
import type { Mailer } from './mailer.ts';
import { isFinal, reasonOf } from './smtp-failure.ts';

export interface SmtpServer {
  host: string;
  port: number;
  /** From the first byte on, by STARTTLS before anything of value is said (RFC 3207 6: no going on without), or not. */
  tls: 'implicit' | 'starttls' | 'none';
  login: { user: string; pass: string } | null;
}

/** All of it together, however slowly the server answers: a job is done before its lease ends. */
const PATIENCE: Seconds = 20;
const SILENCE: Seconds = 10;

export interface SmtpMailer extends Mailer {
  /** Connects and signs in. @throws an Error that says what did not work */
  check(): Promise<void>;
}

export function createSmtpMailer(server: SmtpServer, sender: Sender, patience: Seconds = PATIENCE): SmtpMailer {
  const closing = new AbortController();
  const transport = nodemailer.createTransport({
    host: server.host,
    port: server.port,
    secure: server.tls === 'implicit',
    requireTLS: server.tls === 'starttls',
    ignoreTLS: server.tls === 'none',
    tls: { minVersion: 'TLSv1.2' },
    // With a login configured, a server that offers none is the wrong one, or somebody who took the offer out.
    ...(server.login && { auth: server.login, forceAuth: true }),
    // What this machine calls itself is nobody's business.
    name: new URL(sender.issuer).hostname,
    connectionTimeout: toMilliseconds(SILENCE),
    greetingTimeout: toMilliseconds(SILENCE),
    socketTimeout: toMilliseconds(SILENCE),
    dnsTimeout: toMilliseconds(SILENCE),
  });

  return {
    async send(mail) {
      const content = compose(sender, mail);
      const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(toMilliseconds(patience))]);
      try {
        await transport.sendMail({ ...content, signal });
      } catch (err) {
        // What the server says may quote the address.
        const reason = reasonOf(err);
        throw isFinal(err) ? new Hopeless(reason) : new Error(reason);
      }
    },
    async check() {
      try {
        await transport.verify();
      } catch (err) {
        throw new Error(reasonOf(err));
      }
    },
    close() {
      closing.abort();
    },
  };
}
