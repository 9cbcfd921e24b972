import { createLocalJWKSet, errors, type JSONWebKeySet, type JWK, type JWTVerifyGetKey } from 'jose';
import type { Kept } from './kept.ts';
import { unavailable } from './problem.ts';

/** Between two looks for a key that nobody knows: a flood of made-up key ids is a dozen fetches a minute. */
const COOL_DOWN_MILLISECONDS = 5_000;
const MOST_KEYS = 100;
/** Members of private and symmetric keys (RFC 7518 6). A set with such a key was published by mistake. */
const SECRET_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/** The verification keys in what was published: what is something else is passed over, and hinders nobody. */
export function readKeys(published: Record<string, unknown>): JWTVerifyGetKey {
  const { keys } = published;
  if (!Array.isArray(keys)) throw new Error('the key set has no keys');
  return createLocalJWKSet({ keys: keys.slice(0, MOST_KEYS).filter(isPublicKey) } as JSONWebKeySet);
}

function isPublicKey(key: unknown): key is JWK {
  if (typeof key !== 'object' || key === null) return false;
  const { kty, kid, use } = key as JWK;
  if (!['RSA', 'EC', 'OKP'].includes(String(kty)) || (use !== undefined && use !== 'sig')) return false;
  return (kid === undefined || typeof kid === 'string') && !SECRET_MEMBERS.some((member) => member in key);
}

/**
 * Finds the key that a token names. One that is unknown is looked for at the issuer, at most once in five seconds.
 * While the issuer is away, known keys go on being used as long as `published` keeps them.
 */
export function createKeySet(published: Kept<JWTVerifyGetKey>): JWTVerifyGetKey {
  let looked: { at: number; found: Promise<JWTVerifyGetKey> } | null = null;

  function lookAgain(): Promise<JWTVerifyGetKey> {
    if (!looked || Date.now() - looked.at >= COOL_DOWN_MILLISECONDS)
      looked = { at: Date.now(), found: published.renew() };
    return looked.found;
  }

  return async (header, token) => {
    const known = await reached(published.get());
    try {
      return await known(header, token);
    } catch (err) {
      if (!(err instanceof errors.JWKSNoMatchingKey)) throw err;
      const renewed = await reached(lookAgain());
      return renewed(header, token);
    }
  };
}

async function reached<T>(asked: Promise<T> | T): Promise<T> {
  try {
    return await asked;
  } catch (err) {
    throw unavailable('The keys of the issuer could not be fetched', err);
  }
}
