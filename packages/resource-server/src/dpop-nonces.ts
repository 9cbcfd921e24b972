import { createHmac, timingSafeEqual } from 'node:crypto';

const LIFETIME_MILLISECONDS = 5 * 60_000;
const SHORTEST_SECRET = 32;

/** Nonces that a proof must contain (RFC 9449 9): nobody can make proofs in advance. Nothing is stored. */
export interface DpopNonces {
  current(): string;
  isCurrent(nonce: unknown): boolean;
}

/** @param secret shared by all instances that answer for one API. @throws {TypeError} */
export function createDpopNonces(secret: string, audience: string): DpopNonces {
  if (secret.length < SHORTEST_SECRET)
    throw new TypeError(`dpop.nonceSecret must have at least ${SHORTEST_SECRET} random characters`);

  const nonceOf = (period: number) => createHmac('sha256', secret).update(`${audience}\n${period}`).digest('base64url');
  const period = () => Math.floor(Date.now() / LIFETIME_MILLISECONDS);
  return {
    current: () => nonceOf(period()),
    // That of the period before too: it may have been handed out a second ago.
    isCurrent: (nonce) =>
      typeof nonce === 'string' && [period(), period() - 1].some((one) => isSame(nonce, nonceOf(one))),
  };
}

function isSame(one: string, other: string): boolean {
  const [first, second] = [Buffer.from(one), Buffer.from(other)];
  return first.length === second.length && timingSafeEqual(first, second);
}
