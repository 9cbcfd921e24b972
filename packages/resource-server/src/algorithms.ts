/**
 * What can be verified with a published key. `none` and HS* are not among them: with those, the public key of an issuer
 * would do as its secret (RFC 8725 2.1, 3.1).
 */
const ASYMMETRIC = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];

/** @throws {TypeError} */
export function requireAsymmetric(name: string, algorithms: readonly string[]): string[] {
  if (algorithms.length === 0) throw new TypeError(`${name} must name at least one algorithm`);
  const other = algorithms.find((algorithm) => !ASYMMETRIC.includes(algorithm));
  if (other !== undefined) throw new TypeError(`${name}: ${other} is not one of ${ASYMMETRIC.join(', ')}`);
  return [...algorithms];
}
