import { createHmac, hash, timingSafeEqual } from 'node:crypto';

/** For values of 128 random bits and more only; what people type or could guess needs `keyedHash`. */
export function sha256(value: string): string {
  return hash('sha256', value, 'base64url');
}

export function keyedHash(key: Buffer, value: string): string {
  return createHmac('sha256', key).update(value).digest('base64url');
}

/** Takes the same time wherever the first difference stands. */
export function sameText(left: string, right: string): boolean {
  const a = Buffer.from(left);
  const b = Buffer.from(right);
  return a.length === b.length && timingSafeEqual(a, b);
}
