import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { Refusal } from '../lib/errors.ts';

/** In bytes. The library's own limit. */
export const LARGEST_FORM = 56 * 1024;

/**
 * A body in pieces (RFC 9112 7.1) does not say beforehand how long it is. The same request, which does; what is longer
 * than any body may be is cut.
 */
export async function withLength(req: IncomingMessage): Promise<IncomingMessage> {
  const isSaid = req.headers['content-length'] !== undefined;
  return isSaid || !isForm(req) ? req : replay(req, await read(req));
}

/** Media types are compared without regard to case (RFC 9110 8.3.1). */
export function isForm({ headers }: IncomingMessage): boolean {
  return headers['content-type']?.toLowerCase().startsWith('application/x-www-form-urlencoded') ?? false;
}

/** @throws {Refusal} `form_invalid` when the client went away before the end */
export async function read(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of req) {
      size += (chunk as Buffer).length;
      // What is over the library's own limit is cut one byte above it, so that the library refuses it.
      if (size > LARGEST_FORM) return 'x'.repeat(LARGEST_FORM + 1);
      chunks.push(chunk as Buffer);
    }
  } catch (err) {
    throw new Refusal('form_invalid', 400, { cause: err });
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** A request that reads as `req` does, with another body. */
export function replay(req: IncomingMessage, body: string): IncomingMessage {
  const copy = Readable.from([Buffer.from(body)]) as unknown as IncomingMessage;
  const { method, url, socket, httpVersion } = req;
  const headers = { ...req.headers, 'content-length': String(Buffer.byteLength(body)) };
  return Object.assign(copy, { method, url, socket, httpVersion, headers, complete: true });
}
