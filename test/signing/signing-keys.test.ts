import { createSign, createVerify } from 'node:crypto';
import { calculateJwkThumbprint } from 'jose';
import { describe, expect, it, vi } from 'vitest';
import { DAY, MINUTE, type Seconds, toMilliseconds } from '../../src/lib/duration.ts';
import { createLog } from '../../src/lib/log.ts';
import { startLiveKeys } from '../../src/signing/live-keys.ts';
import { createSigningKeys } from '../../src/signing/signing-keys.ts';
import { BY } from '../store/samples.ts';
import { openTestStores } from '../support/stores.ts';

const JWKS_CACHE = 10 * MINUTE;
/** What all instances and all caches need to learn of a key. */
const ANNOUNCED = JWKS_CACHE + 30;
const RETENTION = 15 * DAY;
const AGE = 90 * DAY;

async function opened({ age = null }: { age?: Seconds | null } = {}) {
  const { signingKeys: store, clock, rows } = await openTestStores();
  const signing = createSigningKeys({ store, clock, jwksCache: JWKS_CACHE, age, retention: RETENTION });
  await signing.ensure(BY);
  return {
    ...{ signing, clock, store, rows },
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
    expect(activatesAt).toBe(clock() + toMilliseconds(ANNOUNCED));
    expect(await kids()).toEqual([old, kid]);

    clock.forward(ANNOUNCED - 1);
    expect(await kids()).toEqual([old, kid]); // the one that signs comes first
    clock.forward(1);
    expect(await kids()).toEqual([kid, old]);
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
    clock.forward(ANNOUNCED);
    expect(new Set([version, announced, (await signing.current()).version]).size).toBe(3);
  });
});

describe('a running instance', PATIENT, () => {
  async function running(options?: { age: Seconds }) {
    const stores = await opened(options);
    const start = () => startLiveKeys({ ...stores, log: createLog('silent') });
    return { ...stores, start, live: await start() };
  }

  it('looks again, at once, for a key that another instance signed with, but not for every made-up one', async () => {
    const { signing, clock, live } = await running();
    clock.forward(60);
    const { kid } = await signing.rotate({ immediately: true }, BY);
    expect((await live.verifier(kid))?.kid).toBe(kid);

    clock.forward(1);
    expect(await live.verifier('made-up')).toBeNull();
    const next = await signing.rotate({ immediately: true }, BY);
    expect(await live.verifier(next.kid)).toBeNull();
    clock.forward(1);
    expect((await live.verifier(next.kid))?.kid).toBe(next.kid);
    await live.close();
  });

  it('looks at once although it has just looked by itself, and everybody who asks waits for that', async () => {
    const { signing, store, live } = await running();
    const list = vi.spyOn(store, 'list');
    const early = live.refresh();
    const { kid } = await signing.rotate({ immediately: true }, BY);
    list.mockClear();
    const found = await Promise.all(Array.from({ length: 10 }, () => live.verifier(kid)));
    expect(found.map((key) => key?.kid)).toEqual(Array.from({ length: 10 }, () => kid));
    expect(list.mock.calls.length).toBeLessThanOrEqual(1);
    await early;
    await live.close();
  });

  it('looks for an unknown key also after the clock was set back', async () => {
    const { signing, clock, live } = await running();
    await live.verifier('unknown');
    clock.forward(-DAY);
    const { kid } = await signing.rotate({ immediately: true }, BY);
    expect((await live.verifier(kid))?.kid).toBe(kid);
    await live.close();
  });

  it('does not rest with a look that began before the key was there', async () => {
    const { signing, store, live } = await running();
    const before = await store.list();
    const held = Promise.withResolvers<typeof before>();
    vi.spyOn(store, 'list').mockReturnValueOnce(held.promise);
    const early = live.refresh();
    const { kid } = await signing.rotate({ immediately: true }, BY);
    const asked = live.verifier(kid);
    held.resolve(before);
    expect((await asked)?.kid).toBe(kid);
    await early;
    await live.close();
  });

  it('goes on with the keys it has while the database is away, and follows when it is back', async () => {
    const { signing, clock, store, live } = await running();
    const old = live.current().keys[0]?.kid ?? '';
    const { kid } = await signing.rotate({ immediately: false }, BY);
    await live.refresh();
    const list = vi.spyOn(store, 'list').mockRejectedValue(new Error('away'));
    clock.forward(ANNOUNCED);
    await expect(live.refresh()).rejects.toThrow('away');
    await expect(live.verifier('unknown')).rejects.toThrow('away');
    expect(live.current().keys.map((key) => key.kid)).toEqual([old, kid]);
    expect([(await live.verifier(old))?.kid, (await live.verifier(kid))?.kid]).toEqual([old, kid]);

    list.mockRestore();
    await live.refresh();
    expect(live.current().keys.map((key) => key.kid)).toEqual([kid, old]);
    await live.close();
  });

  it('has ended its last look when it is closed', async () => {
    const { store, live } = await running();
    const held = Promise.withResolvers<[]>();
    vi.spyOn(store, 'list').mockReturnValueOnce(held.promise);
    const look = live.refresh();
    const ended: string[] = [];
    const closed = live.close().then(() => ended.push('closed'));
    void look.then(() => ended.push('looked'));
    held.resolve([]);
    await closed;
    expect(ended).toEqual(['looked', 'closed']);
  });

  it('tells when the set has changed, and only then', async () => {
    const { signing, clock, live } = await running();
    const told: number[] = [];
    live.onChange((set) => void told.push(set.keys.length));
    await live.refresh();
    expect(told).toEqual([]);
    await signing.rotate({ immediately: false }, BY);
    await live.refresh();
    clock.forward(ANNOUNCED);
    await live.refresh();
    await live.refresh();
    expect(told).toEqual([2, 2]);
    expect(live.current().keys).toHaveLength(2);
    await live.close();
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
    await live.close();
  });

  it('whose only key was revoked makes another and goes on with it, together with the other instances', async () => {
    const { signing, clock, store, start, live } = await running();
    const other = await start();
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
    for (const instance of [live, other]) await instance.close();
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
    await live.close();
  });

  it('announces the next key when the one that signs grows old, so that it takes over at that age', async () => {
    const { signing, clock, store, rows, live } = await running({ age: AGE });
    const [first] = await store.list();
    clock.forward(AGE - ANNOUNCED - 1);
    await live.refresh();
    expect(await store.list()).toHaveLength(1);

    clock.forward(1);
    await live.refresh();
    await live.refresh();
    const [second, ...others] = (await store.list()).filter(({ kid }) => kid !== first?.kid);
    expect(others).toEqual([]);
    expect(second?.activatesAt).toBe((first?.activatesAt ?? 0) + toMilliseconds(AGE));
    expect(live.current().keys.map(({ kid }) => kid)).toEqual([first?.kid, second?.kid]);
    expect(await rows('AuditEvent')).toContainEqual(
      expect.objectContaining({
        event: 'signing_key.added',
        detail: JSON.stringify({ kid: second?.kid }),
        actor: 'system',
      }),
    );

    clock.forward(ANNOUNCED);
    await live.refresh();
    expect(live.current().keys[0]?.kid).toBe(second?.kid);
    expect(signing.schedule.rotationDueAt(await store.list())).toBe(clock() + toMilliseconds(AGE - ANNOUNCED));
    await live.close();
  });

  it('adds one key, however many instances find that it is time', async () => {
    const { clock, store, start, live } = await running({ age: AGE });
    const others = await Promise.all(Array.from({ length: 4 }, start));
    clock.forward(AGE);
    await Promise.all([live, ...others].map((instance) => instance.refresh()));
    expect(await store.list()).toHaveLength(2);
    const sets = [live, ...others].map((instance) => instance.current().version);
    expect(new Set(sets).size).toBe(1);
    for (const instance of [live, ...others]) await instance.close();
  });

  it('counts what an operator announced, and not what was revoked', async () => {
    const { signing, clock, store, live } = await running({ age: AGE });
    clock.forward(AGE - ANNOUNCED - 1);
    const { kid } = await signing.rotate({ immediately: false }, BY);
    clock.forward(1);
    await live.refresh();
    expect(await store.list()).toHaveLength(2);
    await signing.revoke(kid, BY);
    await live.refresh();
    expect(await store.list()).toHaveLength(3);
    await live.close();
  });

  it('goes on signing with an old key where no other can be added', async () => {
    const { clock, store, live } = await running({ age: AGE });
    const [old] = live.current().keys;
    clock.forward(AGE);
    const addSuccessor = vi.spyOn(store, 'addSuccessor').mockRejectedValue(new Error('disk full'));
    await live.refresh();
    expect(live.current()).toMatchObject({ canSign: true, keys: [{ kid: old?.kid }] });
    addSuccessor.mockRestore();
    await live.refresh();
    expect(live.current().keys).toHaveLength(2);
    await live.close();
  });

  it('never adds a key by itself where no age is set', async () => {
    const { clock, store, live } = await running();
    clock.forward(100 * AGE);
    await live.refresh();
    expect(await store.list()).toHaveLength(1);
    await live.close();
  });
});
