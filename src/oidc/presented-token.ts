import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { Refusal } from '../lib/errors.ts';
import { API_KEY_CLIENT, TOKEN_EXCHANGE } from './api-key-client.ts';

/** Before a JWT, it makes the library look the token up instead of refusing every JWT unseen. */
export const TOKEN_ALIAS = /^~/;

const LIMIT = 56 * 1024;

/**
 * Introspection and revocation refuse JWTs before any look-up, and ours are all JWTs. So the library gets the same
 * request with `~` before the token, which the adapter takes off again. A body that it would not read anyway passes
 * as it is.
 */
export async function withTokenAlias(req: IncomingMessage): Promise<IncomingMessage> {
  if (req.method !== 'POST' || !isForm(req)) return req;

  const body = await read(req);
  const form = new URLSearchParams(body);
  const token = form.get('token');
  if (token !== null && form.getAll('token').length === 1 && /^~*[\w-]+\.[\w-]*\.[\w-]*/.test(token)) {
    form.set('token', `~${token}`);
  }
  return replay(req, token === null ? body : form.toString());
}

/**
 * A public client may send `Authorization: Basic id:` with an empty secret (oidc-agent does), which the library takes
 * for a malformed header: the id goes into the body instead.
 */
export async function withPublicClientId(req: IncomingMessage): Promise<IncomingMessage> {
  const basic = /^basic ([\w+/=]+)$/i.exec(req.headers.authorization ?? '')?.[1];
  if (!basic || !isForm(req)) return req;
  const [encoded = '', secret] = Buffer.from(basic, 'base64').toString('utf8').split(':');
  const id = decoded(encoded);
  if (!id || secret !== '') return req;

  const form = new URLSearchParams(await read(req));
  form.set('client_id', id);
  const replayed = replay(req, form.toString());
  delete replayed.headers.authorization;
  return replayed;
}

/**
 * An exchange of an API key has no client behind it, since the key is the proof (RFC 8693 2.1 leaves that to us). The
 * library asks for one: where none is named, ours is.
 */
export async function withApiKeyClientId(req: IncomingMessage): Promise<IncomingMessage> {
  if (req.headers.authorization !== undefined || !isForm(req)) return req;
  const body = await read(req);
  const form = new URLSearchParams(body);
  const isNamed = form.has('client_id') || form.has('client_assertion');
  if (form.get('grant_type') !== TOKEN_EXCHANGE || isNamed) return replay(req, body);
  form.set('client_id', API_KEY_CLIENT);
  return replay(req, form.toString());
}

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

/** RFC 6749 2.3.1: form-encoded within the header. Null where it is not, which the library has an answer for. */
export function decoded(id: string): string | null {
  try {
    return decodeURIComponent(id.replaceAll('+', ' '));
  } catch {
    return null;
  }
}

/** @throws {Refusal} `form_invalid` when the client went away before the end */
export async function read(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of req) {
      size += (chunk as Buffer).length;
      // What is over the library's own limit is cut one byte above it, so that the library refuses it.
      if (size > LIMIT) return 'x'.repeat(LIMIT + 1);
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
