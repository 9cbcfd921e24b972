import { pbkdf2, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { bcryptMatches } from './bcrypt.ts';

/** Upper bounds of what one hash may cost, some seconds of one core: a hash is a stranger's order of work. */
const BCRYPT_COST = 14;
const PBKDF2_BLOCKS = 2_000_000;
const SCRYPT_BLOCKS = 2 ** 21;
const SCRYPT_MEMORY = 256 * 1024 * 1024;
const ARGON2 = { kibibytes: 2 ** 19, kibibytesTimesPasses: 2 ** 21, lanes: 16 };
/** With fewer bytes other passwords would match too; more are of no use and cost. */
const KEY = { shortest: 16, longest: 64 };
const SALT_LONGEST = 128;
const DIGEST_BYTES = { sha1: 20, sha256: 32, sha512: 64 };

type Digest = keyof typeof DIGEST_BYTES;
type Check = (password: string) => Promise<boolean>;

/** The message is what is wrong with a hash. */
export class UnusableHash extends Error {
  override name = 'UnusableHash';
}

/** Written by another program in a form that is not argon2's. */
export function isForeign(hash: string): boolean {
  return /^\$?(2[aby]\$|scrypt\$|pbkdf2[-_$])/.test(hash);
}

export async function matchesForeign(hash: string, password: string): Promise<boolean> {
  return checkOf(hash)(password);
}

/**
 * A hash to keep, as other programs export it: argon2 and bcrypt, scrypt and PBKDF2 in the PHC string format, in passlib's
 * and in Django's.
 * @throws {UnusableHash}
 */
export function parseHash(text: string): string {
  // Django puts its own name of the algorithm before the hash.
  const hash = text.replace(/^argon2(?=\$argon2)/, '');
  if (hash.startsWith('$argon2')) checkArgon2(hash);
  else checkOf(hash);
  return hash;
}

function checkArgon2(hash: string): void {
  const [, params = '', salt = '', key = ''] =
    /^\$argon2(?:i|d|id)(?:\$v=(?:16|19))?\$([mtp]=\d{1,10}(?:,[mtp]=\d{1,10}){2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(
      hash,
    ) ?? [];
  const { m, t, p } = numbersIn(params);
  if (!m || !t || !p) throw unknownForm();
  bound(Math.max(m / ARGON2.kibibytes, (m * t) / ARGON2.kibibytesTimesPasses, p / ARGON2.lanes));
  if (m < 8 * p) throw unknownForm();
  base64(salt, 8, SALT_LONGEST);
  base64(key, KEY.shortest, KEY.longest);
}

function checkOf(hash: string): Check {
  if (/^\$2[aby]\$/.test(hash)) return bcryptCheck(hash);
  const scryptParts =
    /^\$scrypt\$((?:(?:ln|r|p)=\d{1,9},?){3})\$([^$]+)\$([^$]+)$/.exec(hash) ??
    /^scrypt\$(\d{1,9})\$([^$]+)\$(\d{1,9})\$(\d{1,9})\$([^$]+)$/.exec(hash);
  if (scryptParts) return scryptCheck(scryptParts);
  const phc = /^\$pbkdf2(?:-(sha1|sha256|sha512))?\$(?:i=)?(\d{1,9})(?:,l=\d{1,3})?\$([^$]+)\$([^$]+)$/.exec(hash);
  if (phc) {
    const [, digest = 'sha1', iterations, salt = '', key = ''] = phc;
    return pbkdf2Check(digest as Digest, Number(iterations), base64(salt, 1, SALT_LONGEST), key);
  }
  const django = /^pbkdf2_(sha1|sha256|sha512)\$(\d{1,9})\$([^$]{1,128})\$([^$]+)$/.exec(hash);
  if (!django) throw unknownForm();
  const [, digest, iterations, salt = '', key = ''] = django;
  return pbkdf2Check(digest as Digest, Number(iterations), Buffer.from(salt), key);
}

function bcryptCheck(hash: string): Check {
  const cost = Number(/^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/.exec(hash)?.[1]);
  if (!(cost >= 4)) throw unknownForm();
  if (cost > BCRYPT_COST) bound(2 ** (cost - BCRYPT_COST));
  return (password) => bcryptMatches(hash, password);
}

function scryptCheck([, ...parts]: string[]): Check {
  const { ln = 0, r = 0, p = 0 } = parts.length === 3 ? numbersIn(parts[0] ?? '') : {};
  const [n, blockSize, lanes] = parts.length === 3 ? [2 ** ln, r, p] : [parts[0], parts[2], parts[3]].map(Number);
  const [salt, key] =
    parts.length === 3 ? [base64(parts[1] ?? '', 1, SALT_LONGEST), parts[2]] : [Buffer.from(parts[1] ?? ''), parts[4]];
  const [N, blocks, parallel] = [n ?? 0, blockSize ?? 0, lanes ?? 0];
  // RFC 7914 2: a power of two, and less than 2^(128 * r / 8).
  const power = Math.log2(N);
  if (N < 2 || !Number.isInteger(power) || power >= 16 * blocks || blocks < 1 || parallel < 1) throw unknownForm();
  bound(Math.max((128 * blocks * (N + parallel)) / SCRYPT_MEMORY, (N * blocks * parallel) / SCRYPT_BLOCKS));
  const expected = base64(key ?? '', KEY.shortest, KEY.longest);
  const options = { N, r: blocks, p: parallel, maxmem: 2 * SCRYPT_MEMORY };
  const derive = promisify<string, Buffer, number, typeof options, Buffer>(scrypt);
  return async (password) => timingSafeEqual(await derive(password, salt, expected.length, options), expected);
}

function pbkdf2Check(digest: Digest, iterations: number, salt: Buffer, key: string): Check {
  const expected = base64(key, KEY.shortest, KEY.longest);
  if (iterations < 1) throw unknownForm();
  bound((iterations * Math.ceil(expected.length / DIGEST_BYTES[digest])) / PBKDF2_BLOCKS);
  return async (password) =>
    timingSafeEqual(await promisify(pbkdf2)(password, salt, iterations, expected.length, digest), expected);
}

/** Passlib writes a dot for the plus; PHC leaves the padding out. */
function base64(text: string, shortest: number, longest: number): Buffer {
  const standard = text.replaceAll('.', '+');
  const bytes = Buffer.from(standard, 'base64');
  const isWhole = /^[A-Za-z0-9+/]+={0,2}$/.test(standard);
  if (!isWhole || bytes.length < shortest || bytes.length > longest) throw unknownForm();
  return bytes;
}

function numbersIn(params: string): Record<string, number> {
  return Object.fromEntries(params.split(',').map((param) => [param.split('=')[0], Number(param.split('=')[1])]));
}

/** @param share of what is allowed */
function bound(share: number): void {
  if (share > 1) throw new UnusableHash('costs more work than is done for one sign-in');
}

function unknownForm(): UnusableHash {
  return new UnusableHash('is of no form that is known: argon2, bcrypt, scrypt or PBKDF2, whole');
}
