import type { Configuration } from 'oidc-provider';
import type { Keyring } from '../lib/keyring.ts';

/** `offered`: who sends a nonce must send a good one. `required`: no proof is taken without one. */
export type DpopNonces = 'offered' | 'required';

/**
 * Proofs of possession (RFC 9449). Nonces follow from the keyring and the time alone, so that every instance knows what
 * the others gave out.
 */
export function dpopFeature({ keyring, nonces }: { keyring: Keyring; nonces: DpopNonces }) {
  return {
    enabled: true,
    nonceSecret: keyring.subkey('dpop-nonces'),
    requireNonce: () => nonces === 'required',
    allowReplay: false,
  } satisfies NonNullable<Configuration['features']>['dPoP'];
}
