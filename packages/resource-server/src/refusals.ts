import { challenge, type Scheme } from './challenge.ts';
import type { Settings } from './options.ts';
import type { Problem } from './problem.ts';
import { Refusal } from './refusal.ts';

/** Seconds after which it is worth trying again where the issuer was away. */
const RETRY_AFTER = '5';

/** The answers to problems: what went wrong stands in the challenge of the scheme that was tried (RFC 9449 7.1). */
export function createRefusals({ dpop, clientCertificate, requireSenderConstrained, metadata }: Settings) {
  const schemes: Scheme[] = dpop ? ['DPoP', 'Bearer'] : ['Bearer'];
  // A token that is bound to a certificate is presented as Bearer too.
  if (requireSenderConstrained && !clientCertificate) schemes.pop();

  return function refuse({ code, message, cause }: Problem, tried: Scheme | null): Refusal {
    if (code === 'temporarily_unavailable')
      return new Refusal(code, message, { 'Retry-After': RETRY_AFTER }, { cause });

    const blamed = schemes.find((scheme) => scheme === tried) ?? schemes[0];
    const challenges = schemes.map((scheme) =>
      challenge(scheme, {
        // No error code where nothing was tried (RFC 6750 3.1).
        ...(scheme === blamed && code !== 'unauthorized' ? { error: code, error_description: message } : {}),
        ...(scheme === 'DPoP' ? { algs: dpop?.algorithms.join(' ') } : {}),
        resource_metadata: metadata?.url.href,
      }),
    );
    const nonce = code === 'use_dpop_nonce' ? { 'DPoP-Nonce': dpop?.nonces?.current() ?? '' } : {};
    return new Refusal(code, message, { 'WWW-Authenticate': challenges.join(', '), ...nonce }, { cause });
  };
}
