import type { Middleware } from 'koa';
import type { Keyring } from '../lib/keyring.ts';

/**
 * Tells when another key of the keyring has taken over. All instances agree by the clock on when that is, and none hears
 * of it otherwise: what was derived from the key before is made again with the first request after it.
 */
export function onKeyTurn(keyring: Pick<Keyring, 'currentKeyId'>, turned: () => void): Middleware {
  let current = keyring.currentKeyId;
  return (_ctx, next) => {
    const now = keyring.currentKeyId;
    if (now !== current) {
      current = now;
      turned();
    }
    return next();
  };
}
