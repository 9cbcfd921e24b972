import { createHash, createPrivateKey, createPublicKey, hkdfSync, type KeyObject, sign } from 'node:crypto';
import { deterministicEs256, es256KeyPair, mersenneRsaKey } from './webauthn-keys.ts';

/*
 * The test vectors of Web Authentication Level 3, section 16, made anew by what that section says of each value: bytes
 * from HKDF-SHA-256 (RFC 5869) over one text, the name of the vector and a running number; ECDSA by RFC 6979. A digest
 * of the published values shows that what is made here is what stands there, to the byte.
 */

export interface Vector {
  name: string;
  credentialId: string;
  aaguid: string;
  publicKey: Buffer;
  registration: { challenge: string; clientDataJSON: Buffer; authenticatorData: Buffer; attestationObject: Buffer };
  authentication: { challenge: string; clientDataJSON: Buffer; authenticatorData: Buffer; signature: Buffer };
}

interface Recipe {
  name: string;
  key?: 'ES256' | 'RS256' | 'EdDSA';
  idLength?: number;
  crossOrigin?: boolean;
  topOrigin?: string;
  attestation?: 'none' | 'self';
  /** Numbers that the published vector spends on a certificate, which has no part here. */
  certificate?: boolean;
}

export const RP_ID = 'example.org';
export const ORIGIN = 'https://example.org';

export function vectorOf(recipe: Recipe): Vector {
  const { name, key = 'ES256', idLength = 32, attestation = 'none', certificate = false } = recipe;
  let number = 0;
  const next = (length: number) => {
    const salt = Buffer.from([number++]);
    return Buffer.from(hkdfSync('sha256', 'WebAuthn test vectors', salt, name, length));
  };

  const challenge = next(32);
  const { publicKey, signed } = keyOf(key, key === 'RS256' ? null : next(32));
  const extra = extraData(next);
  const aaguid = next(16);
  const credentialId = next(idLength);
  const flags = flagsOf(next(1));
  if (certificate) number += 2;
  const clientDataJSON = clientData('webauthn.create', challenge, recipe, extra);
  const authenticatorData = Buffer.concat([
    authData(flags | 0x40),
    aaguid,
    Buffer.from([idLength >> 8, idLength & 0xff]),
    credentialId,
    publicKey,
  ]);
  const statement =
    attestation === 'none'
      ? Buffer.from([0xa0])
      : Buffer.concat([
          Buffer.from([0xa2, 0x63, ...Buffer.from('alg'), 0x26, 0x63, ...Buffer.from('sig')]),
          byteString(signed(overClientData(authenticatorData, clientDataJSON))),
        ]);
  const registration = {
    challenge: challenge.toString('base64url'),
    ...{ clientDataJSON, authenticatorData },
    attestationObject: attestationObject(attestation === 'none' ? 'none' : 'packed', statement, authenticatorData),
  };

  const asked = next(32);
  const data = clientData('webauthn.get', asked, recipe, extraData(next));
  const [bits = 0] = next(1);
  const at = authData(0x01 | (bits & 0x04) | (flags & 0x08) | (flags & 0x08 ? bits & 0x10 : 0));
  return {
    name,
    credentialId: credentialId.toString('base64url'),
    aaguid: aaguid.toString('hex').replace(/(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
    ...{ publicKey, registration },
    authentication: {
      challenge: asked.toString('base64url'),
      ...{ clientDataJSON: data, authenticatorData: at, signature: signed(overClientData(at, data)) },
    },
  };
}

/** What the digests of the published values are compared with. */
export function digestOf(...values: Buffer[]): string {
  return createHash('sha256').update(Buffer.concat(values)).digest('hex').slice(0, 16);
}

export function attestationObject(format: string, statement: Buffer, authenticatorData: Buffer): Buffer {
  return Buffer.concat([
    Buffer.from([0xa3, ...text('fmt'), ...text(format), ...text('attStmt')]),
    statement,
    Buffer.from(text('authData')),
    byteString(authenticatorData),
  ]);
}

/** What a signature is over (6.3.3). */
export function overClientData(authenticatorData: Buffer, clientDataJSON: Buffer): Buffer {
  return Buffer.concat([authenticatorData, createHash('sha256').update(clientDataJSON).digest()]);
}

function keyOf(kind: 'ES256' | 'RS256' | 'EdDSA', seed: Buffer | null) {
  if (kind === 'RS256' || seed === null) {
    const { key, n } = mersenneRsaKey();
    const head = Buffer.from([0xa4, 0x01, 0x03, 0x03, 0x39, 0x01, 0x00, 0x20]);
    const publicKey = Buffer.concat([head, byteString(n), Buffer.from([0x21, 0x43, 0x01, 0x00, 0x01])]);
    return { publicKey, signed: (data: Buffer) => sign('sha256', data, key) };
  }
  if (kind === 'EdDSA') {
    const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
    const key: KeyObject = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    const x = Buffer.from(createPublicKey(key).export({ format: 'jwk' }).x ?? '', 'base64url');
    const publicKey = Buffer.concat([Buffer.from([0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21]), byteString(x)]);
    return { publicKey, signed: (data: Buffer) => sign(null, data, key) };
  }
  const { x, y } = es256KeyPair(seed);
  const head = Buffer.from([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21]);
  const publicKey = Buffer.concat([head, byteString(x), Buffer.from([0x22]), byteString(y)]);
  return { publicKey, signed: (data: Buffer) => deterministicEs256(seed, data) };
}

function authData(flags: number): Buffer {
  return Buffer.concat([createHash('sha256').update(RP_ID).digest(), Buffer.from([flags, 0, 0, 0, 0])]);
}

/** Present; verified, backup eligible and backed up as the random byte says, the last only with the one before. */
function flagsOf([bits = 0]: Buffer): number {
  return 0x01 | (bits & 0x04) | (bits & 0x08) | (bits & 0x08 ? bits & 0x10 : 0);
}

function extraData(next: (length: number) => Buffer): string | undefined {
  const [flags = 0] = next(1);
  if (!(flags & 1)) return undefined;
  const random = next(16).toString('base64url');
  return `clientDataJSON may be extended with additional fields in the future, such as this: ${random}`;
}

function clientData(type: string, challenge: Buffer, recipe: Recipe, extra: string | undefined): Buffer {
  const { crossOrigin = false, topOrigin } = recipe;
  const fields = { type, challenge: challenge.toString('base64url'), origin: ORIGIN, crossOrigin };
  return Buffer.from(JSON.stringify({ ...fields, topOrigin, extraData: extra }));
}

/** CBOR (RFC 8949). */
function byteString(bytes: Buffer): Buffer {
  const { length } = bytes;
  if (length < 24) return Buffer.concat([Buffer.from([0x40 + length]), bytes]);
  const head = length < 256 ? [0x58, length] : [0x59, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), bytes]);
}

function text(value: string): number[] {
  return [0x60 + value.length, ...Buffer.from(value)];
}
