import { createAccessTokens } from './access-token.ts';
import type { ApiRequest } from './api-request.ts';
import { createBinding } from './binding.ts';
import { type Caller, callerFrom } from './caller.ts';
import type { Scheme } from './challenge.ts';
import { type Credentials, readCredentials } from './credentials.ts';
import { createDpop } from './dpop.ts';
import { createIntrospection } from './introspection.ts';
import { createIssuer } from './issuer.ts';
import { createKeySet } from './key-set.ts';
import { type ResourceServerOptions, readOptions } from './options.ts';
import { Problem } from './problem.ts';
import { createRefusals } from './refusals.ts';
import type { PublishedMetadata } from './resource-metadata.ts';

export interface ResourceServer {
  /** @throws {Refusal} with status and headers of the answer. */
  verify(request: ApiRequest): Promise<Caller>;
  /** Headers for the answer to a caller who was verified: the nonce for the next proof (RFC 9449 8.2). */
  answerHeaders(caller: Caller): Record<string, string>;
  /** What this API says of itself, and where (RFC 9728); null unless `metadata` was given. */
  metadata: PublishedMetadata | null;
}

/** Verifies the access tokens that one API is called with. @throws {TypeError} naming the option that is wrong. */
export function createResourceServer(options: ResourceServerOptions): ResourceServer {
  const settings = readOptions(options);
  const { metadata, clientCertificate, requireSenderConstrained } = settings;
  const issuer = createIssuer(settings);
  const verifyToken = createAccessTokens(settings, createKeySet(issuer.keys));
  const introspection = settings.introspection && createIntrospection(settings.introspection, settings, issuer);
  const dpop = settings.dpop && createDpop(settings.dpop);
  const checkBinding = createBinding({ dpop, clientCertificate, requireSenderConstrained });
  const refuse = createRefusals(settings);
  const resourceMetadata = metadata?.url.href ?? null;

  async function callerWith(credentials: Credentials, request: ApiRequest): Promise<Caller> {
    const { scheme, token } = credentials;
    const presented = { scheme, resourceMetadata };
    if (introspection && !isJwt(token)) {
      const claims = await introspection.claimsOf(token);
      await checkBinding(claims, credentials, request);
      return callerFrom(claims, presented);
    }

    const claims = await verifyToken(token);
    await checkBinding(claims, credentials, request);
    const caller = callerFrom(claims, presented);
    if (!introspection || !settings.introspection?.when(caller, request)) return caller;
    const { scope, roles } = await introspection.answerAbout(token);
    // What is not said any more is not held any more.
    return callerFrom({ ...claims, scope, roles }, presented);
  }

  return {
    metadata,
    async verify(request) {
      let scheme: Scheme | null = null;
      try {
        const credentials = readCredentials(request);
        scheme = credentials.scheme;
        return await callerWith(credentials, request);
      } catch (err) {
        if (!(err instanceof Problem)) throw err;
        const refusal = refuse(err, scheme);
        settings.refused(refusal, request);
        throw refusal;
      }
    },
    answerHeaders({ scheme }) {
      return scheme === 'DPoP' && dpop?.nonces ? { 'DPoP-Nonce': dpop.nonces.current() } : {};
    },
  };
}

/** Three parts: what looks like a JWT has to be a good one, and is never taken for an opaque token. */
function isJwt(token: string): boolean {
  return token.split('.').length === 3;
}
