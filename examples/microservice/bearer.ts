import type { Context } from 'koa';
import type { AccessTokens, Caller } from './access-token.ts';
import { Refusal } from './refusal.ts';

/** The caller, if the request carries a good access token with this scope. @throws {Refusal} 400, 401 or 403. */
export async function requireScope(ctx: Context, accessTokens: AccessTokens, scope: string): Promise<Caller> {
  const [scheme, ...rest] = ctx.get('authorization').split(' ');
  // No error code when nothing was tried (RFC 6750 3.1). A token in the query or body is not looked at: those get logged.
  if (scheme?.toLowerCase() !== 'bearer')
    throw new Refusal(401, 'unauthorized', 'An access token is needed', { scope });
  const token = rest.join(' ');
  if (!/^[\w.~+/-]+=*$/.test(token)) {
    throw new Refusal(400, 'invalid_request', 'The Authorization header is malformed', { error: 'invalid_request' });
  }

  const caller = await accessTokens.verify(token);
  if (!caller.scopes.has(scope)) {
    throw new Refusal(403, 'insufficient_scope', `The access token lacks ${scope}`, {
      error: 'insufficient_scope',
      scope,
    });
  }
  return caller;
}
