import { sha256 } from '../lib/hash.ts';
import { newSecret } from '../lib/ids.ts';

/** A client's secret is 256 random bits, so that a plain hash keeps it: nobody can try them all. */
export function issueClientSecret(): { secret: string; secretHash: string } {
  const secret = newSecret('gws');
  return { secret, secretHash: clientSecretHash(secret) };
}

export function clientSecretHash(secret: string): string {
  return sha256(secret);
}
