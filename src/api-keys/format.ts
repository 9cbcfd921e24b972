import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { sha256 } from '../lib/hash.ts';

/** By which secret scanners know a key that has leaked, and everybody what it is. */
export const PREFIX = 'gwk_';

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** 256 bits, and the 32 of a CRC, as digits of 62. */
const [RANDOM, CHECKSUM] = [43, 6];

const KEY = new RegExp(`^(${PREFIX}[0-9A-Za-z]{${RANDOM}})([0-9A-Za-z]{${CHECKSUM}})$`);

/** `gwk_`, 256 random bits, and a checksum of all before it. Whoever holds it may act: store its hash only. */
export function issueApiKey(): { key: string; keyHash: string } {
  const body = PREFIX + base62(BigInt(`0x${randomBytes(32).toString('hex')}`), RANDOM);
  const key = body + checksumOf(body);
  return { key, keyHash: sha256(key) };
}

/** Null for what is no key, or one that was mistyped or cut: known without a look at any store. */
export function apiKeyHash(presented: string): string | null {
  const [, body = '', checksum] = KEY.exec(presented) ?? [];
  return checksum !== undefined && checksumOf(body) === checksum ? sha256(presented) : null;
}

/** Whether it means to be a key, right or wrong. */
export function looksLikeApiKey(presented: string): boolean {
  return presented.startsWith(PREFIX);
}

function checksumOf(body: string): string {
  return base62(BigInt(crc32(body)), CHECKSUM);
}

function base62(value: bigint, length: number): string {
  let text = '';
  for (let rest = value; text.length < length; rest /= 62n) text = DIGITS[Number(rest % 62n)] + text;
  return text;
}
