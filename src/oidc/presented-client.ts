import type { IncomingMessage } from 'node:http';
import { apiKeyHash } from '../api-keys/format.ts';
import { TOKEN_EXCHANGE } from './api-key-client.ts';
import { isForm, read, replay } from './form-request.ts';

export interface Presented {
  /** Reads as the one before; what was read of that is in it again. */
  req: IncomingMessage;
  /** Whom the request says it is from, which nothing has proved. */
  clientId: string | null;
}

/** RFC 6749 2.3.1 and RFC 7523 3: in the header, in the body, or as the subject of an assertion. */
export async function presentedClient(req: IncomingMessage): Promise<Presented> {
  const basic = basicCredentials(req);
  if (basic) return { req, clientId: basic.id };
  if (!isForm(req)) return { req, clientId: null };
  const body = await read(req);
  const form = new URLSearchParams(body);
  const assertion = form.get('client_assertion');
  const named = (assertion && subjectOf(assertion)) || apiKeyIn(form) || form.get('client_id');
  return { req: replay(req, body), clientId: named };
}

/** RFC 6749 2.3.1. An id that is not form-encoded is null, which the library has an answer for. */
export function basicCredentials({
  headers,
}: IncomingMessage): { id: string | null; secret: string | undefined } | null {
  const encoded = /^basic ([\w+/=]+)$/i.exec(headers.authorization ?? '')?.[1];
  if (!encoded) return null;
  const [id = '', secret] = Buffer.from(encoded, 'base64').toString('utf8').split(':');
  return { id: decoded(id), secret };
}

function decoded(id: string): string | null {
  try {
    return decodeURIComponent(id.replaceAll('+', ' '));
  } catch {
    return null;
  }
}

const KEY_NAME = 'api-key:';

/** A key goes by its hash, so that each is counted by itself, and by what is no secret. */
function apiKeyIn(form: URLSearchParams): string | null {
  const presented = form.get('grant_type') === TOKEN_EXCHANGE ? form.get('subject_token') : null;
  const hash = presented === null ? null : apiKeyHash(presented);
  return hash === null ? null : KEY_NAME + hash;
}

/** Null for what names a client. */
export function keyHashOf(name: string): string | null {
  return name.startsWith(KEY_NAME) ? name.slice(KEY_NAME.length) : null;
}

function subjectOf(assertion: string): string | null {
  try {
    const payload: unknown = JSON.parse(Buffer.from(assertion.split('.')[1] ?? '', 'base64url').toString());
    const { sub } = payload as { sub?: unknown };
    return typeof sub === 'string' ? sub : null;
  } catch {
    return null;
  }
}
