import { createSign, createVerify } from 'node:crypto';
import { calculateJwkThumbprint } from 'jose';
import { describe, expect, it, vi } from 'vitest';
import { DAY, MINUTE, toMilliseconds } from '../../src/lib/duration.ts';
import { createLog } from '../../src/lib/log.ts';
import { startLiveKeys } from '../../src/signing/live-keys.ts';
import { createSigningKeys } from '../../src/signing/signing-keys.ts';
import { BY } from '../store/samples.ts';
import { openTestStores } from '../support/stores.ts';

const JWKS_CACHE = 10 * MINUTE;
const RETENTION = 15 * DAY;

async function opened() {
  const { signingKeys: store, clock } = await openTestStores();
  const signing = createSigningKeys({ store, clock, jwksCache: JWKS_CACHE, retention: RETENTION });
  await signing.ensure(BY);
  return {
    ...{ signing, clock, store },
    kids: async () => (await signing.current()).keys.map(({ kid }) => kid),
  };
}

// Making RSA keys takes as long as it takes.
const PATIENT = { timeout: 30_000 };

describe('signing keys', PATIENT, () => {
  it('begin with one, however many instances start', async () => {
    const { signing, store, kids } = await opened();
    await Promise.all([signing.ensure(BY), signing.ensure(BY)]);
    expect(await store.list()).toHaveLength(1);
    expect(await kids()).toHaveLength(1);
  });

  it('are RSA keys of 2048 bits, named by their thumbprint', async () => {
    const { signing } = await opened();
    const [key] = (await signing.current()).keys;
    if (!key) throw new Error('there is no key');
    const { kty = '', n = '', e = '' } = key.jwk;
    expect(key.jwk).toMatchObject({ kty: 'RSA', alg: 'RS256', use: 'sig', kid: key.kid });
    expect(Buffer.from(n, 'base64url')).toHaveLength(256);
    expect(await calculateJwkThumbprint({ kty, n, e })).toBe(key.kid);

    const signature = createSign('sha256').update('text').sign({ key: key.jwk, format: 'jwk' });
    expect(createVerify('sha256').update('text').verify(key.publicKey, signature)).toBe(true);
  });

  it('are published before they sign, and kept after that for as long as they may be met', async () => {
    const { signing, clock, kids } = await opened();
    const [old] = await kids();
    const { kid, activatesAt } = await signing.rotate({ immediately: false }, BY);
    expect(activatesAt).toBe(clock() + toMilliseconds(JWKS_CACHE));
    expect(await kids()).toEqual([old, kid]);

    clock.forward(JWKS_CACHE);
    expect(await kids()).toEqual([kid, old]); // the one that signs comes first
    clock.forward(RETENTION - 1);
    expect(await kids()).toEqual([kid, old]);
    clock.forward(1);
    expect(await kids()).toEqual([kid]);
  });

  it('rotated at once sign at once', async () => {
    const { signing, clock, kids } = await opened();
    const [old] = await kids();
    clock.forward(1);
    const { kid } = await signing.rotate({ immediately: true }, BY);
    expect(await kids()).toEqual([kid, old]);
  });

  it('revoked are published no more, and another one is made where none is left', async () => {
    const { signing, clock, kids } = await opened();
    const [only = ''] = await kids();
    expect((await signing.current()).canSign).toBe(true);
    expect(await signing.revoke(only, BY)).toBe(true);
    expect(await signing.current()).toMatchObject({ canSign: false, keys: [] });
    clock.forward(1);
    await signing.ensure(BY);
    expect(await kids()).not.toContain(only);
  });

  it('of equal sets have equal versions, of others not', async () => {
    const { signing, clock } = await opened();
    const { version } = await signing.current();
    expect((await signing.current()).version).toBe(version);
    await signing.rotate({ immediately: false }, BY);
    const announced = (await signing.current()).version;
    clock.forward(JWKS_CACHE);
    expect(new Set([version, announced, (await signing.current()).version]).size).toBe(3);
  });
});

describe('a running instance', PATIENT, () => {
  async function running() {
    const { signing, clock, store } = await opened();
    const live = await startLiveKeys({ signing, clock, log: createLog('silent') });
    return { signing, clock, store, live };
  }

  it('looks again, at once, for a key that another instance signed with, but not for every made-up one', async () => {
    const { signing, clock, live } = await running();
    clock.forward(60);
    const { kid } = await signing.rotate({ immediately: true }, BY);
    expect((await live.verifier(kid))?.kid).toBe(kid);

    expect(await live.verifier('made-up')).toBeNull();
    const next = await signing.rotate({ immediately: true }, BY);
    expect(await live.verifier(next.kid)).toBeNull();
    clock.forward(5);
    expect((await live.verifier(next.kid))?.kid).toBe(next.kid);
    live.close();
  });

  it('tells when the set has changed, and only then', async () => {
    const { signing, clock, live } = await running();
    const told: number[] = [];
    live.onChange((set) => void told.push(set.keys.length));
    await live.refresh();
    expect(told).toEqual([]);
    await signing.rotate({ immediately: false }, BY);
    await live.refresh();
    clock.forward(JWKS_CACHE);
    await live.refresh();
    await live.refresh();
    expect(told).toEqual([2, 2]);
    expect(live.current().keys).toHaveLength(2);
    live.close();
  });

  it('no longer verifies with a revoked key', async () => {
    const { signing, clock, live } = await running();
    const old = live.current().keys[0]?.kid ?? '';
    clock.forward(1);
    await signing.rotate({ immediately: true }, BY);
    await signing.revoke(old, BY);
    await live.refresh();
    clock.forward(60);
    expect(await live.verifier(old)).toBeNull();
    live.close();
  });

  it('whose only key was revoked makes another and goes on with it, together with the other instances', async () => {
    const { signing, clock, store, live } = await running();
    const other = await startLiveKeys({ signing, clock, log: createLog('silent') });
    const told: (string | undefined)[] = [];
    live.onChange((set) => void told.push(...set.keys.map(({ kid }) => kid)));
    const [revoked] = live.current().keys;
    clock.forward(1);
    await signing.revoke(revoked?.kid ?? '', BY);
    await Promise.all([live.refresh(), other.refresh()]);

    const added = (await store.list()).filter(({ revokedAt }) => revokedAt === null);
    expect(added).toHaveLength(1);
    expect(told).toEqual([added[0]?.kid]);
    for (const { keys, canSign } of [live.current(), other.current()]) {
      expect([keys.map(({ kid }) => kid), canSign]).toEqual([told, true]);
    }
    for (const instance of [live, other]) instance.close();
  });

  it('signs and verifies nothing with a revoked key, also where no other can be made', async () => {
    const { signing, clock, store, live } = await running();
    const revoked = live.current().keys[0]?.kid ?? '';
    clock.forward(1);
    await signing.revoke(revoked, BY);
    const addFirst = vi.spyOn(store, 'addFirst').mockRejectedValue(new Error('disk full'));
    await live.refresh();
    expect([await live.verifier(revoked), live.current().keys]).toEqual([null, []]);

    addFirst.mockRestore();
    await live.refresh();
    expect(live.current()).toMatchObject({ canSign: true, keys: [{ kid: expect.any(String) }] });
    live.close();
  });
});
