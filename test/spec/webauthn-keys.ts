import { createECDH, createHash, createHmac, createPrivateKey, type KeyObject } from 'node:crypto';

/** The order of P-256 (FIPS 186-5). */
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

export function es256KeyPair(secret: Buffer): { x: Buffer; y: Buffer } {
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(secret);
  const point = ecdh.getPublicKey();
  return { x: point.subarray(1, 33), y: point.subarray(33) };
}

/** ECDSA over P-256 and SHA-256 whose nonce is a function of key and message (RFC 6979 3.2), as DER. */
export function deterministicEs256(secret: Buffer, message: Buffer): Buffer {
  const hash = createHash('sha256').update(message).digest();
  const z = numberOf(hash);
  const nonce = nonceOf(secret, bytesOf(z % N));
  const r = numberOf(es256KeyPair(bytesOf(nonce)).x) % N;
  const s = (power(nonce, N - 2n, N) * (z + r * numberOf(secret))) % N;
  const body = Buffer.concat([derInteger(r), derInteger(s)]);
  return Buffer.concat([Buffer.from([0x30, body.length]), body]);
}

/** The key of the two smallest Mersenne primes that are long enough. */
export function mersenneRsaKey(): { key: KeyObject; n: Buffer } {
  const [p, q] = [2n ** 1279n - 1n, 2n ** 2203n - 1n];
  const e = 65_537n;
  const d = inverse(e, (p - 1n) * (q - 1n));
  const part = (value: bigint) => bytesOf(value, 0).toString('base64url');
  const jwk = {
    ...{ kty: 'RSA', n: part(p * q), e: part(e), d: part(d), p: part(p), q: part(q) },
    ...{ dp: part(d % (p - 1n)), dq: part(d % (q - 1n)), qi: part(inverse(q, p)) },
  };
  return { key: createPrivateKey({ key: jwk, format: 'jwk' }), n: bytesOf(p * q, 0) };
}

function nonceOf(secret: Buffer, hash: Buffer): bigint {
  const hmac = (key: Buffer, ...data: Buffer[]) => createHmac('sha256', key).update(Buffer.concat(data)).digest();
  let v: Buffer = Buffer.alloc(32, 1);
  let k: Buffer = Buffer.alloc(32, 0);
  for (const round of [0, 1]) {
    k = hmac(k, v, Buffer.from([round]), secret, hash);
    v = hmac(k, v);
  }
  for (;;) {
    v = hmac(k, v);
    const nonce = numberOf(v);
    if (nonce > 0n && nonce < N) return nonce;
    k = hmac(k, v, Buffer.from([0]));
    v = hmac(k, v);
  }
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (let [square, rest] = [base % modulus, exponent]; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [modulus, value % modulus, 0n, 1n];
  while (b > 0n) {
    const quotient = a / b;
    [a, b, x, y] = [b, a % b, y, x - quotient * y];
  }
  return (x + modulus) % modulus;
}

function derInteger(value: bigint): Buffer {
  const bytes = bytesOf(value, 0);
  const whole = (bytes[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes;
  return Buffer.concat([Buffer.from([0x02, whole.length]), whole]);
}

const numberOf = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString('hex')}`);

function bytesOf(value: bigint, length = 32): Buffer {
  const hex = value.toString(16);
  return Buffer.from(hex.padStart(Math.max(length * 2, hex.length + (hex.length % 2)), '0'), 'hex');
}
