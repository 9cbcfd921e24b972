import { createHash } from 'node:crypto';
import { createAnswerCache } from './answer-cache.ts';
import type { Claims } from './caller.ts';
import type { IntrospectionSettings } from './introspection-options.ts';
import type { Issuer } from './issuer.ts';
import { fetchJson } from './json-fetch.ts';
import type { Settings } from './options.ts';
import { invalidToken, unavailable } from './problem.ts';

export type Introspection = ReturnType<typeof createIntrospection>;

export function createIntrospection(
  { authorization, cacheFor, endpoint, withoutAudience }: IntrospectionSettings,
  { issuer, audience, clockTolerance, fetch, report }: Settings,
  { metadata }: Issuer,
) {
  const cached = createAnswerCache<Claims>(cacheFor);

  async function ask(token: string): Promise<Claims> {
    const url = endpoint ?? (await metadata.get()).introspectionEndpoint;
    if (!url) throw new Error(`${issuer} has no introspection_endpoint`);
    return fetchJson(fetch, url, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ token, token_type_hint: 'access_token' }).toString(),
    });
  }

  /** What the issuer says of an active token now. @throws {Problem} never lets through where nobody answered. */
  async function answerAbout(token: string): Promise<Claims> {
    // Tokens themselves are not kept: whoever reads this memory would have them all.
    const id = createHash('sha256').update(token).digest('base64url');
    const answer = await cached(id, () => ask(token)).catch((err: unknown) => {
      report(err instanceof Error ? err : new Error(String(err)));
      throw unavailable('The issuer could not be asked about the access token', err);
    });
    if (answer['active'] !== true) throw invalidToken('The access token is not active');
    requireTimes(answer);
    if (answer['iss'] !== undefined && answer['iss'] !== issuer)
      throw invalidToken('The access token is of another issuer');
    return answer;
  }

  /** An answer may come from the cache. */
  function requireTimes({ exp, nbf }: Claims): void {
    const now = Date.now() / 1000;
    if (exp !== undefined && !((exp as number) > now - clockTolerance))
      throw invalidToken('The access token is expired');
    if (nbf !== undefined && !((nbf as number) <= now + clockTolerance))
      throw invalidToken('The access token is not valid yet');
  }

  return {
    answerAbout,
    /** All that is known of a token which is no JWT: an API key, for example. @throws {Problem} */
    async claimsOf(token: string): Promise<Claims> {
      const answer = await answerAbout(token);
      const { aud, token_type: type, sub, client_id: clientId } = answer;
      if (!(aud === undefined ? withoutAudience : [aud].flat().includes(audience)))
        throw invalidToken('The access token is not for this API');
      // A refresh token is active as well, and no access token.
      if (type !== undefined && !/^(bearer|dpop)$/i.test(String(type))) throw invalidToken('This is no access token');
      // A token without a person is the client's own (RFC 9068 2.2).
      return { ...answer, sub: sub ?? clientId };
    },
  };
}
