import { createAccessTokens } from './access-token.ts';
import type { ApiRequest } from './api-request.ts';
import { type Caller, callerFrom } from './caller.ts';
import type { Scheme } from './challenge.ts';
import { type Credentials, readCredentials } from './credentials.ts';
import { createIssuer } from './issuer.ts';
import { createKeySet } from './key-set.ts';
import { type ResourceServerOptions, readOptions } from './options.ts';
import { invalidToken, Problem } from './problem.ts';
import { createRefusals } from './refusals.ts';

export interface ResourceServer {
  /** @throws {Refusal} with status and headers of the answer. */
  verify(request: ApiRequest): Promise<Caller>;
}

/** Verifies the access tokens that one API is called with. @throws {TypeError} naming the option that is wrong. */
export function createResourceServer(options: ResourceServerOptions): ResourceServer {
  const settings = readOptions(options);
  const issuer = createIssuer(settings);
  const verifyToken = createAccessTokens(settings, createKeySet(issuer.keys));
  const refuse = createRefusals({ schemes: ['Bearer'], resourceMetadata: null });

  async function callerWith({ scheme, token }: Credentials): Promise<Caller> {
    const claims = await verifyToken(token);
    // Bound to a key: whoever stole it would pass as its holder (RFC 9449 7.1, RFC 8705 3).
    if (claims['cnf'] !== undefined) throw invalidToken('The access token is bound to a key');
    return callerFrom(claims, { scheme, resourceMetadata: null });
  }

  return {
    async verify(request) {
      let scheme: Scheme | null = null;
      try {
        const credentials = readCredentials(request);
        scheme = credentials.scheme;
        return await callerWith(credentials);
      } catch (err) {
        throw err instanceof Problem ? refuse(err, scheme) : err;
      }
    },
  };
}
