import { readFileSync } from 'node:fs';
import type { AddressInfo, Socket } from 'node:net';
import path from 'node:path';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { vi } from 'vitest';
import type { Certificate } from '../operation/tls-endpoint.ts';

const CERTIFICATES = path.join(import.meta.dirname, '../operation/certificates');

/** An answer of the server that is no yes, RFC 5321 4.2. */
export class Refused extends Error {
  readonly responseCode: number;

  constructor(responseCode: number, text: string) {
    super(text);
    this.responseCode = responseCode;
  }
}

export interface Received {
  /** The envelope: what counts for a mail server. */
  from: string;
  to: string[];
  /** Over TLS, and signed in as whom. */
  secure: boolean;
  user: string | undefined;
  raw: string;
  mail: Email;
}

export interface MailServerOptions {
  port?: number;
  certificate?: Certificate;
  /** TLS from the first byte on. */
  implicit?: boolean;
  login?: { user: string; pass: string };
  /** What it does with a receiver; throws to refuse, does not end to hang. */
  onReceiver?: (address: string) => Promise<void> | void;
  onLetter?: () => Promise<void> | void;
}

/** A real SMTP server on this machine, with STARTTLS where a certificate is named. */
export async function startMailServer(options: MailServerOptions = {}) {
  const { certificate, implicit = false, login, onReceiver, onLetter } = options;
  const received: Received[] = [];
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const read = (name: string) => readFileSync(path.join(CERTIFICATES, `${name}.pem`));
  const settings: SMTPServerOptions = {
    ...(certificate ? { key: read('key'), cert: read(certificate), secure: implicit } : {}),
    ...{
      authOptional: !login,
      disabledCommands: [...(login ? [] : ['AUTH']), ...(certificate ? [] : ['STARTTLS'])],
      logger: false,
      disableReverseLookup: true,
    },
    allowInsecureAuth: true,
    onAuth({ username, password }, _session, callback) {
      const isRight = username === login?.user && password === login?.pass;
      callback(isRight ? null : new Refused(535, 'no'), isRight ? { user: username } : undefined);
    },
    onRcptTo({ address }, _session, callback) {
      asked.push(address);
      settle(async () => onReceiver?.(address), callback);
    },
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => void chunks.push(chunk));
      stream.on('end', () =>
        settle(async () => {
          await onLetter?.();
          const raw = Buffer.concat(chunks);
          const { mailFrom, rcptTo } = session.envelope;
          received.push({
            from: mailFrom ? mailFrom.address : '',
            to: rcptTo.map(({ address }) => address),
            ...{ secure: session.secure, user: session.user, raw: raw.toString(), mail: await PostalMime.parse(raw) },
          });
        }, callback),
      );
    },
  };
  const server = new SMTPServer(settings);
  // A handshake that is given up is what some of the tests are about.
  server.on('error', () => {});
  server.server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const { port } = server.server.address() as AddressInfo;

  async function close(): Promise<void> {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await closed;
  }
  return {
    port,
    /** For SMTP_URL. */
    url: `${implicit ? 'smtps' : 'smtp'}://localhost:${port}`,
    received,
    /** The receivers that it was asked for, also those it did not take. */
    asked,
    /** Resolves once it has so many letters. */
    async until(count: number, timeout = 15_000): Promise<Received[]> {
      await vi.waitUntil(() => received.length >= count, { timeout, interval: 5 });
      return received;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function settle(work: () => Promise<void>, callback: (err?: Error | null) => void): void {
  work().then(
    () => callback(),
    (err: Error) => callback(err),
  );
}
