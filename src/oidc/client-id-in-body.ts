import type { IncomingMessage } from 'node:http';
import { API_KEY_CLIENT, TOKEN_EXCHANGE } from './api-key-client.ts';
import { isForm, read, replay } from './form-request.ts';
import { basicCredentials } from './presented-client.ts';

/**
 * A public client may send `Authorization: Basic id:` with an empty secret (oidc-agent does), which the library takes
 * for a malformed header: the id goes into the body instead.
 */
export async function withPublicClientId(req: IncomingMessage): Promise<IncomingMessage> {
  const basic = basicCredentials(req);
  if (!basic?.id || basic.secret !== '' || !isForm(req)) return req;

  const form = new URLSearchParams(await read(req));
  form.set('client_id', basic.id);
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
