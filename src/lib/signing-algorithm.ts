/** By which tokens are signed (RFC 7518 3.1, RFC 9864). Every installation has the first. */
export const SIGNING_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'Ed25519'] as const;
export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number];

/** ID tokens and logout tokens are signed by no other: every relying party knows it (OpenID Connect Core 15.1). */
export const ID_TOKEN_ALGORITHM: SigningAlgorithm = 'RS256';
