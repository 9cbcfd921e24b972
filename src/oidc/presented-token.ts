import type { IncomingMessage } from 'node:http';
import { isForm, read, replay } from './form-request.ts';

/** Before a JWT, it makes the library look the token up instead of refusing every JWT unseen. */
export const TOKEN_ALIAS = /^~/;

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
