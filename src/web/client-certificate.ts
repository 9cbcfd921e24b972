import { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Middleware } from 'koa';
import type { PresentedCertificate, RequestState } from './request-log.ts';

/** The common forms are a third of it. */
const LONGEST = 12 * 1024;

/**
 * Finds the certificate of whoever connected: our listener asked for it, or a listed proxy did and passes it on. From
 * everybody else the header is dropped, unread. Before whatever reads headers.
 */
export function clientCertificate(deps: {
  header: string | null;
  /** A listed proxy is at the other end of the connection. */
  isFromProxy: (req: IncomingMessage) => boolean;
  /** It came by the listener that asks for certificates. */
  isAsked: (req: IncomingMessage) => boolean;
  isValid: (certificate: X509Certificate) => boolean;
  /** A listed authority issued it. */
  isIssued: (certificate: X509Certificate) => boolean;
}): Middleware {
  const { header, isFromProxy, isAsked, isValid, isIssued } = deps;

  function presented(req: IncomingMessage, passedOn: string | undefined): PresentedCertificate | null {
    if (isAsked(req)) {
      const socket = req.socket as TLSSocket;
      const certificate = socket.getPeerX509Certificate();
      return certificate ? { certificate, isVerified: socket.authorized } : null;
    }
    if (passedOn === undefined || !isFromProxy(req)) return null;
    const certificate = readCertificate(passedOn);
    return certificate && { certificate, isVerified: isIssued(certificate) };
  }

  return async (ctx, next) => {
    const passedOn = header === null ? undefined : ctx.req.headers[header];
    if (header !== null) delete ctx.req.headers[header];
    const found = presented(ctx.req, typeof passedOn === 'string' ? passedOn : undefined);
    if (found && isValid(found.certificate)) (ctx.state as RequestState).certificate = found;
    return next();
  };
}

/**
 * One certificate: `:base64:` (RFC 9440 2.2), base64 alone, or PEM encoded as in an address. Null for anything else, two of
 * them included: of two headers, a stranger may have written one.
 */
function readCertificate(value: string): X509Certificate | null {
  if (value.length > LONGEST) return null;
  try {
    const text = decodeURIComponent(value.trim());
    const pem = /^-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*$/.exec(text);
    const base64 = (pem?.[1] ?? /^:(.+):$/.exec(text)?.[1] ?? text).replaceAll(/[\r\n]/g, '');
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return null;
    const der = Buffer.from(base64, 'base64');
    const certificate = new X509Certificate(der);
    // What follows a certificate would be read by nobody.
    return certificate.raw.equals(der) ? certificate : null;
  } catch {
    return null;
  }
}
