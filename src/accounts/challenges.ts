import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import { MINUTE, toMilliseconds } from '../lib/duration.ts';
import type { Keyring } from '../lib/keyring.ts';

const USE = 'webauthn-challenge';
/** A challenge is good in the window in which it was made, and in the next: for five minutes at least, ten at most. */
const WINDOW = toMilliseconds(5 * MINUTE);

export type Challenges = ReturnType<typeof createChallenges>;

/**
 * Challenges (WebAuthn Level 3, 13.4.3) that nobody but us can make, and that need not be kept until they are answered:
 * each is a keyed hash of the occasion, the state of which changes with the answer.
 */
export function createChallenges({ keyring, clock }: { keyring: Keyring; clock: Clock }) {
  const windowNow = () => Math.floor(clock() / WINDOW);
  const made = (key: Buffer, occasion: string, window: number) =>
    createHmac('sha256', key).update(`${window}/${occasion}`).digest();

  return {
    bytesOf: (occasion: string): Uint8Array<ArrayBuffer> =>
      new Uint8Array(made(keyring.subkey(USE), occasion, windowNow())),
    /** @param challenge as the browser gives it back: base64url */
    isOf(occasion: string, challenge: string): boolean {
      const given = Buffer.from(challenge, 'base64url');
      const now = windowNow();
      const fits = (key: Buffer, window: number) =>
        given.length === 32 && timingSafeEqual(given, made(key, occasion, window));
      return keyring.someKey(USE, (key) => fits(key, now) || fits(key, now - 1));
    },
  };
}
