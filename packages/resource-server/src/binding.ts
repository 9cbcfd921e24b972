import type { ApiRequest } from './api-request.ts';
import type { Claims } from './caller.ts';
import { type ClientCertificate, requireCertificate } from './client-certificate.ts';
import type { Credentials } from './credentials.ts';
import type { Dpop } from './dpop.ts';
import { invalidToken } from './problem.ts';

interface BindingRules {
  dpop: Dpop | null;
  clientCertificate: ClientCertificate | null;
  requireSenderConstrained: boolean;
}

/** Whoever presents a token that is bound to a key holds that key (RFC 7800, RFC 9449, RFC 8705). */
export function createBinding({ dpop, clientCertificate, requireSenderConstrained }: BindingRules) {
  async function requireProof(jkt: string, { scheme, token }: Credentials, request: ApiRequest): Promise<void> {
    // RFC 9449 7.2: otherwise a stolen token would pass for one that needs no proof.
    if (scheme !== 'DPoP') throw invalidToken('The access token is bound to a key: present it as DPoP with a proof');
    if (!dpop) throw invalidToken('This API checks no proofs');
    await dpop.verify(jkt, request, token);
  }

  /** @throws {Problem} */
  return async function check(claims: Claims, credentials: Credentials, request: ApiRequest): Promise<void> {
    const { jkt, thumbprint } = confirmation(claims['cnf']);
    if (jkt !== null) await requireProof(jkt, credentials, request);
    else if (credentials.scheme === 'DPoP')
      throw invalidToken('The access token is bound to no key: present it as Bearer');
    if (thumbprint !== null) requireCertificate(thumbprint, clientCertificate?.(request));
    if (requireSenderConstrained && jkt === null && thumbprint === null)
      throw invalidToken('This API takes only access tokens that are bound to a key');
  };
}

/** What a token is bound to. A way that nobody here can check is as bad as a proof that fails. */
function confirmation(cnf: unknown): { jkt: string | null; thumbprint: string | null } {
  if (cnf === undefined) return { jkt: null, thumbprint: null };
  if (typeof cnf !== 'object' || cnf === null) throw invalidToken('The access token is bound to nothing that is known');
  const { jkt = null, 'x5t#S256': thumbprint = null, ...unknown } = cnf as Record<string, unknown>;
  const isKnown = [jkt, thumbprint].every((each) => each === null || (typeof each === 'string' && each !== ''));
  if (!isKnown || (jkt ?? thumbprint) === null || Object.keys(unknown).length > 0)
    throw invalidToken('The access token is bound in a way that is not known here');
  return { jkt, thumbprint } as { jkt: string | null; thumbprint: string | null };
}
