import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { type JWTPayload, SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { createAccessTokens } from '../../src/oidc/access-tokens.ts';
import type { LiveKeys } from '../../src/signing/live-keys.ts';

const ISSUER = 'https://id.example.org';
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });

const { verify } = createAccessTokens({
  issuer: ISSUER,
  keys: {
    verifier: async (kid: string) => (kid === 'known' ? { publicKey, algorithm: 'RS256' } : null),
  } as unknown as LiveKeys,
});

const now = Math.floor(Date.now() / 1000);
const CLAIMS: JWTPayload = {
  iss: ISSUER,
  aud: 'https://api.example',
  client_id: 'web',
  jti: 'j',
  iat: now,
  exp: now + 60,
};

function sign(changes: JWTPayload = {}, header: Record<string, string> = {}, key: KeyObject | Uint8Array = privateKey) {
  const protectedHeader = { alg: 'RS256', typ: 'at+jwt', kid: 'known', ...header };
  return new SignJWT({ ...CLAIMS, ...changes }).setProtectedHeader(protectedHeader).sign(key);
}

describe('an access token (RFC 9068 4)', () => {
  it('is ours when a key of ours signed it, and it is valid now', async () => {
    expect(await verify(await sign())).toMatchObject(CLAIMS);
    // Clocks differ a little.
    expect(await verify(await sign({ exp: now - 5 }))).not.toBeNull();
  });

  it.each(['JWT', 'logout+jwt', 'application/jwt', 'oauth-authz-req+jwt'])(
    'is not another kind of token of ours: %s',
    async (typ) => expect(await verify(await sign({}, { typ }))).toBeNull(),
  );

  it.each(['iss', 'aud', 'client_id', 'jti', 'iat', 'exp'])('says %s', async (claim) => {
    expect(await verify(await sign({ [claim]: undefined }))).toBeNull();
  });

  it('is of this issuer, and neither past nor future', async () => {
    expect(await verify(await sign({ iss: 'https://other.example' }))).toBeNull();
    expect(await verify(await sign({ exp: now - 60 }))).toBeNull();
    expect(await verify(await sign({ nbf: now + 60 }))).toBeNull();
  });

  it('is signed by the algorithm of its key alone, although the key could do more', async () => {
    const ps256 = createAccessTokens({
      issuer: ISSUER,
      keys: { verifier: async () => ({ publicKey, algorithm: 'PS256' }) } as unknown as LiveKeys,
    });
    expect(await ps256.verify(await sign({}, { alg: 'PS256' }))).toMatchObject(CLAIMS);
    expect(await ps256.verify(await sign({}, { alg: 'RS256' }))).toBeNull();
  });

  it('is signed with RS256 by a key that is known, and by no other means', async () => {
    expect(await verify(await sign({}, {}, stranger.privateKey))).toBeNull();
    expect(await verify(await sign({}, { kid: 'unknown' }))).toBeNull();
    expect(await verify(await sign({}, { alg: 'PS256' }))).toBeNull();
    // The public key as an HMAC secret: the classic confusion of algorithms.
    const pem = Buffer.from(publicKey.export({ type: 'spki', format: 'pem' }));
    expect(await verify(await sign({}, { alg: 'HS256' }, pem))).toBeNull();
    const [, payload] = (await sign()).split('.');
    const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt', kid: 'known' })).toString('base64url');
    expect(await verify(`${none}.${payload}.`)).toBeNull();
  });

  it('is not refused for keys that cannot be read: nobody knows what it is', async () => {
    const verifier = () => Promise.reject(new Error('away'));
    const unsure = createAccessTokens({ issuer: ISSUER, keys: { verifier } as unknown as LiveKeys });
    await expect(unsure.verify(await sign())).rejects.toThrow('away');
    expect(await unsure.verify('a.b.c')).toBeNull();
  });

  it.each(['', 'x', '..', 'a.b.c', 'a.b.c.d', '~a.b.c', 'é.é.é'])(
    'is not what is no token at all: "%s"',
    async (text) => {
      expect(await verify(text)).toBeNull();
    },
  );
});
