import { sign, verify } from 'node:crypto';
import { calculateJwkThumbprint } from 'jose';
import { describe, expect, it, vi } from 'vitest';
import { DEFAULT_API } from '../../src/clients/api.ts';
import { defaultSettings } from '../../src/clients/client.ts';
import { DAY, MINUTE } from '../../src/lib/duration.ts';
import { createLog } from '../../src/lib/log.ts';
import type { SigningAlgorithm } from '../../src/lib/signing-algorithm.ts';
import { startLiveKeys } from '../../src/signing/live-keys.ts';
import { createSigningKeys } from '../../src/signing/signing-keys.ts';
import { BY } from '../store/samples.ts';
import { openTestStores } from '../support/stores.ts';

const JWKS_CACHE = 10 * MINUTE;
const ANNOUNCED = JWKS_CACHE + 30;
const AGE = 90 * DAY;

async function running() {
  const { signingKeys: store, clients, clock } = await openTestStores();
  const signing = createSigningKeys({ store, clock, jwksCache: JWKS_CACHE, age: AGE, retention: 15 * DAY });
  const start = () => startLiveKeys({ signing, clock, log: createLog('silent') });
  const live = await start();
  return {
    ...{ signing, store, clients, clock, live, start },
    /** An API that wants this. */
    async register(signingAlgorithm: SigningAlgorithm) {
      const settings = { ...defaultSettings('resource'), api: { ...DEFAULT_API, signingAlgorithm } };
      const id = `api-${signingAlgorithm}`;
      await clients.create({ id, name: id, type: 'resource', audience: `https://${id}.example`, settings }, null, BY);
      return id;
    },
    of: (algorithm: SigningAlgorithm) => live.current().keys.filter((key) => key.algorithm === algorithm),
  };
}

describe('the keys of an algorithm', { timeout: 30_000 }, () => {
  it.each([
    ['PS256', 'RSA', 'sha256'],
    ['ES256', 'EC', 'sha256'],
    ['Ed25519', 'OKP', null],
  ] as const)(
    'are made when the first API wants %s, by one of all instances, and say what they are for',
    async (algorithm, kty, hash) => {
      const { register, live, start, store, of } = await running();
      const other = await start();
      expect(live.current()).toMatchObject({ signs: ['RS256'], missing: [] });
      await register(algorithm);
      await Promise.all([live.provide(algorithm), other.provide(algorithm)]);
      const [key, ...others] = of(algorithm);
      if (!key) throw new Error('there is no key');
      expect(others).toEqual([]);
      expect((await store.list()).map((each) => each.algorithm).sort()).toEqual(['RS256', algorithm].sort());
      expect(key.jwk).toMatchObject({ kty, alg: algorithm, use: 'sig', kid: await calculateJwkThumbprint(key.jwk) });
      expect(verify(hash, Buffer.from('text'), key.publicKey, sign(hash, Buffer.from('text'), key.privateKey))).toBe(
        true,
      );
      // Logout tokens and others are signed by the first of all.
      expect(live.current().keys[0]?.algorithm).toBe('RS256');
      expect([live.current().signs, other.current().signs]).toEqual([
        ['RS256', algorithm],
        ['RS256', algorithm],
      ]);
      for (const instance of [live, other]) await instance.close();
    },
  );

  it('are not made for nobody', async () => {
    const { live, store } = await running();
    expect(await live.provide('Ed25519')).toBe(false);
    expect(await store.list()).toHaveLength(1);
    await live.close();
  });

  it('are announced, take over and grow old apart from those of another', async () => {
    const { signing, clock, register, live, store, of } = await running();
    const [rsa] = of('RS256');
    clock.forward(10 * DAY);
    await register('ES256');
    await live.refresh();
    const [ec] = of('ES256');
    const { kid } = await signing.rotate({ immediately: false, algorithm: 'ES256' }, BY);
    await live.refresh();
    expect(of('ES256').map((key) => key.kid)).toEqual([ec?.kid, kid]);
    clock.forward(ANNOUNCED);
    await live.refresh();
    expect(of('ES256').map((key) => key.kid)).toEqual([kid, ec?.kid]);
    expect(of('RS256').map((key) => key.kid)).toEqual([rsa?.kid]);

    // The one that is ten days older.
    clock.forward(AGE - 10 * DAY - 2 * ANNOUNCED);
    await live.refresh();
    expect([of('RS256').length, of('ES256').length]).toEqual([2, 1]);
    clock.forward(10 * DAY + 2 * ANNOUNCED);
    await live.refresh();
    expect((await store.list()).filter(({ algorithm }) => algorithm === 'ES256')).toHaveLength(3);
    await live.close();
  });

  it('are revoked apart, and replaced at once as long as an API wants them', async () => {
    const { signing, clients, clock, register, live, of } = await running();
    const id = await register('ES256');
    await live.refresh();
    const [rsa, leaked] = [of('RS256')[0]?.kid, of('ES256')[0]?.kid ?? ''];
    clock.forward(1);
    await signing.revoke(leaked, BY);
    await live.refresh();
    expect(of('ES256').map((key) => key.kid)).toEqual([expect.not.stringMatching(leaked)]);
    expect(of('RS256').map((key) => key.kid)).toEqual([rsa]);
    expect([await live.verifier(leaked), live.current().canSign]).toEqual([null, true]);

    await clients.setStatus(id, 'disabled', BY);
    await signing.revoke(of('ES256')[0]?.kid ?? '', BY);
    await live.refresh();
    expect(live.current()).toMatchObject({ signs: ['RS256'], missing: [], canSign: true });
    await live.close();
  });

  it('that cannot be made leave the others alone', async () => {
    const { register, live, store } = await running();
    await register('PS256');
    const addFirst = vi.spyOn(store, 'addFirst').mockRejectedValue(new Error('disk full'));
    expect(await live.provide('PS256')).toBe(false);
    expect(live.current()).toMatchObject({ signs: ['RS256'], canSign: true });
    addFirst.mockRestore();
    await live.refresh();
    expect(live.current().signs).toEqual(['RS256', 'PS256']);
    await live.close();
  });
});
