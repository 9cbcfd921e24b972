import { createLocalJWKSet, errors, type JSONWebKeySet, type JWK, type JWTVerifyGetKey } from 'jose';
import type { Kept } from './kept.ts';
import { unavailable } from './problem.ts';

/** Between two looks for a key that nobody knows: a flood of made-up key ids is a dozen fetches a minute. */
const COOL_DOWN_MILLISECONDS = 5_000;
const MOST_KEYS = 100;

/** The keys in what was published. What is something else hinders nobody; which of them can verify is for `jose` to say. */
export function readKeys(published: Record<string, unknown>): JWTVerifyGetKey {
  const { keys } = published;
  if (!Array.isArray(keys)) throw new Error('the key set has no keys');
  return createLocalJWKSet({ keys: keys.slice(0, MOST_KEYS).filter(isKey) } as JSONWebKeySet);
}

function isKey(key: unknown): key is JWK {
  return typeof key === 'object' && key !== null && typeof (key as JWK).kty === 'string';
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
