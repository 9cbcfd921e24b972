import { challenge, type Scheme } from './challenge.ts';
import type { Problem } from './problem.ts';
import { Refusal } from './refusal.ts';

/** How this API asks for a token. */
export interface Asking {
  schemes: readonly Scheme[];
  resourceMetadata: string | null;
}

/** Seconds after which it is worth trying again where the issuer was away. */
const RETRY_AFTER = '5';

/** The answer to a problem: what went wrong stands in the challenge of the scheme that was tried (RFC 9449 7.2). */
export function createRefusals({ schemes, resourceMetadata }: Asking) {
  return function refuse({ code, message, cause }: Problem, tried: Scheme | null): Refusal {
    if (code === 'temporarily_unavailable')
      return new Refusal(code, message, { 'Retry-After': RETRY_AFTER }, { cause });

    const said = code === 'unauthorized' ? {} : { error: code, error_description: message };
    const blamed = schemes.find((scheme) => scheme === tried) ?? schemes[0];
    const challenges = schemes.map((scheme) =>
      challenge(scheme, {
        ...(scheme === blamed ? said : {}),
        resource_metadata: resourceMetadata ?? undefined,
      }),
    );
    return new Refusal(code, message, { 'WWW-Authenticate': challenges.join(', ') }, { cause });
  };
}
