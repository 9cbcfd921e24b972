import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { DEFAULT_API } from '../../src/clients/api.ts';
import { defaultSettings } from '../../src/clients/client.ts';
import type { SigningAlgorithm } from '../../src/lib/signing-algorithm.ts';
import type { StoredSigningKey } from '../../src/signing/store.ts';
import { racers, type TestStores } from '../support/stores.ts';
import { BY } from './samples.ts';

const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

/** Every SigningKeyStore must pass this. */
export function signingKeyStoreContract(name: string, open: () => Promise<TestStores>): void {
  const aKey = ({ clock }: TestStores, kid: string): StoredSigningKey => ({
    ...{ kid, algorithm: 'RS256', privateKey, createdAt: clock(), activatesAt: clock(), revokedAt: null },
  });

  describe(`signing keys in ${name}`, () => {
    it('come back as they were added, and are sealed and bound to their row', async () => {
      const stores = await open();
      const key = aKey(stores, 'k1');
      await stores.signingKeys.add(key, BY);
      expect(await stores.signingKeys.list()).toEqual([key]);
      const [row] = await stores.rows('SigningKey');
      expect(JSON.stringify(row)).not.toContain('PRIVATE KEY');
      expect(JSON.parse(String(row?.['publicJwk']))).not.toHaveProperty('d');
      expect(await stores.rows('AuditEvent')).toMatchObject([{ event: 'signing_key.added', detail: '{"kid":"k1"}' }]);
    });

    it('get one first key from many racers, and another first one once none is usable', async () => {
      const stores = await open();
      await racers(10, (index) => stores.signingKeys.addFirst(aKey(stores, `k${index}`), BY));
      const [first, ...others] = await stores.signingKeys.list();
      expect(others).toEqual([]);
      expect(await stores.rows('AuditEvent')).toHaveLength(1);

      await stores.signingKeys.revoke(first?.kid ?? '', BY);
      await stores.signingKeys.addFirst(aKey(stores, 'next'), BY);
      expect((await stores.signingKeys.list()).filter(({ revokedAt }) => revokedAt === null)).toMatchObject([
        { kid: 'next' },
      ]);
    });

    it('get one successor from many racers, and none where there is one already', async () => {
      const stores = await open();
      const { clock, signingKeys } = stores;
      await signingKeys.add(aKey(stores, 'k1'), BY);
      const later = (kid: string) => ({ ...aKey(stores, kid), activatesAt: clock() + 1000 });
      const added = await racers(10, (index) => signingKeys.addSuccessor(later(`next${index}`), 'k1', BY));
      expect(added.filter(Boolean)).toHaveLength(1);
      const successor = `next${added.indexOf(true)}`;
      expect((await signingKeys.list()).map(({ kid }) => kid).sort()).toEqual(['k1', successor]);
      expect(await signingKeys.addSuccessor(later('another'), 'k1', BY)).toBe(false);

      await signingKeys.revoke(successor, BY);
      expect(await signingKeys.addSuccessor(later('another'), 'k1', BY)).toBe(true);
      expect(await signingKeys.list()).toHaveLength(3);
    });

    it('of one algorithm know nothing of another', async () => {
      const stores = await open();
      const { clock, signingKeys } = stores;
      const es256 = (kid: string) => ({ ...aKey(stores, kid), algorithm: 'ES256' as const });
      await signingKeys.add(aKey(stores, 'k1'), BY);
      await racers(5, (index) => signingKeys.addFirst(es256(`e${index}`), BY));
      const [first, ...others] = (await signingKeys.list()).filter(({ algorithm }) => algorithm === 'ES256');
      expect(others).toEqual([]);

      const later = { ...aKey(stores, 'k2'), activatesAt: clock() + 1000 };
      expect(await signingKeys.addSuccessor(later, 'k1', BY)).toBe(true);
      const next = { ...es256('e-next'), activatesAt: clock() + 2000 };
      expect(await signingKeys.addSuccessor(next, first?.kid ?? '', BY)).toBe(true);
    });

    it('are wanted by the algorithms of the APIs that are in use', async () => {
      const stores = await open();
      expect(await stores.signingKeys.wanted()).toEqual([]);
      const add = (id: string, signingAlgorithm: SigningAlgorithm) => {
        const settings = { ...defaultSettings('resource'), api: { ...DEFAULT_API, signingAlgorithm } };
        const api = { id, name: 'API', type: 'resource' as const, audience: `https://${id}.example`, settings };
        return stores.clients.create(api, null, BY);
      };
      await add('one', 'ES256');
      await add('another', 'ES256');
      await add('third', 'Ed25519');
      expect((await stores.signingKeys.wanted()).sort()).toEqual(['ES256', 'Ed25519']);
      await stores.clients.setStatus('third', 'disabled', BY);
      expect(await stores.signingKeys.wanted()).toEqual(['ES256']);
    });

    it('are revoked once', async () => {
      const stores = await open();
      await stores.signingKeys.add(aKey(stores, 'k1'), BY);
      const revoked = await racers(5, () => stores.signingKeys.revoke('k1', BY));
      expect(revoked.filter(Boolean)).toHaveLength(1);
      expect(await stores.signingKeys.revoke('k2', BY)).toBe(false);
      expect(await stores.signingKeys.list()).toMatchObject([{ revokedAt: stores.clock() }]);
      expect((await stores.rows('AuditEvent')).map((row) => row['event'])).toEqual([
        'signing_key.added',
        'signing_key.revoked',
      ]);
    });

    it('do not change where that cannot be audited', async () => {
      const stores = await open();
      await stores.signingKeys.add(aKey(stores, 'k1'), BY);
      const before = await stores.everything();
      await stores.refuseInserts('AuditEvent');
      await expect(stores.signingKeys.add(aKey(stores, 'k2'), BY)).rejects.toThrow();
      await expect(stores.signingKeys.addSuccessor(aKey(stores, 'k2'), 'k1', BY)).rejects.toThrow();
      await expect(stores.signingKeys.revoke('k1', BY)).rejects.toThrow();
      expect(await stores.everything()).toBe(before);
    });
  });
}
