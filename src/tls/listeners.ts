import { constants } from 'node:crypto';
import type { RequestListener } from 'node:http';
import https from 'node:https';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { Clock } from '../lib/clock.ts';
import type { Milliseconds } from '../lib/duration.ts';
import type { Logger } from '../lib/log.ts';
import { parseAuthorities } from './authorities.ts';
import { type Credentials, credentialFiles, parseCredentials } from './credentials.ts';
import { followFiles } from './followed-files.ts';

export interface TlsFiles {
  certFile: string;
  keyFile: string;
}

export interface TlsListeners {
  /** @param asksForCertificate of whoever connects; none is refused for lack of one */
  create(options: https.ServerOptions, callback: RequestListener, how: { asksForCertificate: boolean }): https.Server;
  close(): void;
}

/**
 * Servers that speak TLS with a certificate which is replaced while they run. Connections stay, unless other authorities
 * are listed; a new one gets what the files have then.
 * @throws {OperatorProblem} where the files cannot be used
 */
export function openTlsListeners(deps: {
  files: TlsFiles;
  /** Those whose certificates count as verified; null: nobody's. */
  authorityFile: string | null;
  clock: Clock;
  log: Logger;
  lookAnyway?: Milliseconds;
}): TlsListeners {
  const { files, authorityFile, clock, log } = deps;
  const servers: { server: https.Server; asksForCertificate: boolean }[] = [];
  /** Of the server that asks for certificates. */
  let asking: SecureContext | undefined;

  const followed = followFiles({
    files: [
      ...credentialFiles(files),
      ...(authorityFile === null ? [] : [{ variable: 'MTLS_CA_FILE', file: authorityFile }]),
    ],
    parse([cert = '', key = '', authorities]): Secrets {
      if (authorities !== undefined) parseAuthorities(authorities, authorityFile ?? '');
      return { ...parseCredentials([cert, key], { ...files, clock }), authorities: authorities ?? null };
    },
    onChange(secrets) {
      if (asking) asking = createSecureContext(contextOf(secrets, true));
      for (const { server, asksForCertificate } of servers) {
        server.setSecureContext(contextOf(secrets, asksForCertificate));
        // What a handshake found holds for its connection: whom a listed authority vouched for would stay without it.
        if (asksForCertificate && secrets.authorities !== listed) server.closeAllConnections();
      }
      listed = secrets.authorities;
    },
    ...{ log, ...(deps.lookAnyway !== undefined && { lookAnyway: deps.lookAnyway }) },
  });
  let listed = followed.current().authorities;

  return {
    create(options, callback, { asksForCertificate }) {
      if (asksForCertificate) asking = createSecureContext(contextOf(followed.current(), true));
      const server = https.createServer(
        {
          ...options,
          ...contextOf(followed.current(), asksForCertificate),
          ...(asksForCertificate && {
            // Who is refused is refused by what it asks for, in the words of the protocol.
            ...{ requestCert: true, rejectUnauthorized: false },
            // What a server has for everybody loses `allowPartialTrustChain`; what it has for a name does not.
            SNICallback: (_name: string, done: (err: null, context?: SecureContext) => void) => done(null, asking),
          }),
          ALPNProtocols: ['http/1.1'],
        },
        callback,
      );
      servers.push({ server, asksForCertificate });
      return server;
    },
    close: followed.close,
  };
}

interface Secrets extends Credentials {
  authorities: string | null;
}

function contextOf({ cert, key, authorities }: Secrets, asksForCertificate: boolean): https.ServerOptions {
  const { SSL_OP_NO_RENEGOTIATION, SSL_OP_NO_TICKET } = constants;
  const context = { cert, key, minVersion: 'TLSv1.2', honorCipherOrder: true } as const;
  if (!asksForCertificate) return { ...context, secureOptions: SSL_OP_NO_RENEGOTIATION };
  return {
    ...context,
    // Each of them is an anchor, whoever signed it; and without a list, every public authority would be one.
    ...{ ca: authorities ?? [], allowPartialTrustChain: true },
    // A resumed session would show a certificate that was looked at when it began.
    secureOptions: SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET,
  };
}
