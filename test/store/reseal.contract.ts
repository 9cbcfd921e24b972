import { copyFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { HOUR, toMilliseconds } from '../../src/lib/duration.ts';
import { openKeyring, UnknownKey } from '../../src/lib/keyring.ts';
import { newKey } from '../../src/lib/keyring-file.ts';
import { changeKeyringFile } from '../../src/lib/keyring-writing.ts';
import { createSealer } from '../../src/lib/sealing.ts';
import { racers } from '../support/stores.ts';
import { keys } from './artifacts.contract.ts';
import { type RelationalEngine, sealedInstallation } from './sealed-installation.ts';

/** Lasting keys, the signing key and who made it, a letter and what belongs to a link are sealed too. */
const OTHERS = 9;

/** Every engine must pass this. */
export function resealContract(engine: RelationalEngine): void {
  describe(`sealing anew on ${engine}`, { timeout: 30_000 }, () => {
    it('leaves nothing under the old key, which can then go, and tells how many records are done', async () => {
      const { stores, fill, rotate, remove, broken } = await sealedInstallation(engine);
      const old = stores.keyring.currentKeyId;
      await fill({ people: 103, tokens: 250 });
      const total = 103 + 250 + OTHERS;
      expect(await stores.resealing.counts()).toEqual(new Map([[old, total]]));

      const current = rotate();
      const told: number[] = [];
      const resealed = await stores.resealing.run({ toldHowMany: (done) => void told.push(done) });
      expect(resealed).toEqual({ done: total, unreadable: 0 });
      expect(told.at(-1)).toBe(total);
      expect(told).toEqual(told.toSorted((a, b) => a - b));
      expect(await stores.resealing.counts()).toEqual(new Map([[current, total]]));
      expect(await broken()).toEqual([]);
      remove(old);
      expect(stores.keyring.has(old)).toBe(false);
      expect(await broken()).toEqual([]);
      expect(await stores.resealing.run()).toEqual({ done: 0, unreadable: 0 });
    });

    it('leaves nothing that the old keyring opens', async () => {
      const { stores, fill, rotate, folders, sealedRows } = await sealedInstallation(engine);
      await fill({ people: 2, tokens: 4 });
      const stolen = path.join(folders.data, 'stolen');
      mkdirSync(stolen, { recursive: true });
      copyFileSync(path.join(folders.keys, 'keyring.json'), path.join(stolen, 'keyring.json'));
      const thief = createSealer(openKeyring(stolen, { mayCreate: false }));
      const opens = async () => {
        const rows = await sealedRows();
        return rows.filter(({ place, record, sealed }) => {
          try {
            return thief.unseal(place, record, sealed);
          } catch (err) {
            expect(err).toBeInstanceOf(UnknownKey);
            return false;
          }
        }).length;
      };
      expect(await opens()).toBe(2 + 4 + OTHERS);
      rotate();
      await stores.resealing.run();
      expect(await opens()).toBe(0);
      expect(await sealedRows()).toHaveLength(2 + 4 + OTHERS);
    });

    it('finds only the lasting keys in an empty installation', async () => {
      const { stores, rotate } = await sealedInstallation(engine);
      expect(await stores.resealing.run()).toEqual({ done: 0, unreadable: 0 });
      rotate();
      expect(await stores.resealing.run()).toEqual({ done: 4, unreadable: 0 });
    });

    it('goes on under a key that takes over meanwhile', async () => {
      const { stores, fill, rotate, folders, clock, broken } = await sealedInstallation(engine);
      await fill({ people: 1, tokens: 250 });
      const second = rotate();
      const third = newKey(clock() + 1, clock);
      let slices = 0;
      function another(): boolean {
        slices += 1;
        if (slices === 7) {
          changeKeyringFile(folders.keys, (content) => ({ ...content, keys: [...content.keys, third] }));
          clock.forward(1);
        }
        return false;
      }
      await stores.resealing.run({ isStopped: another });
      expect(await stores.resealing.counts()).toEqual(
        new Map([
          [second, 1 + OTHERS + 100],
          [third.id, 150],
        ]),
      );
      expect(await broken()).toEqual([]);
    });

    it('goes on where it was stopped', async () => {
      const { stores, fill, rotate, broken } = await sealedInstallation(engine);
      await fill({ people: 1, tokens: 250 });
      const current = rotate();
      let slices = 0;
      const first = await stores.resealing.run({ isStopped: () => ++slices === 7 });
      expect(first.done).toBe(1 + OTHERS + 100);
      expect((await stores.resealing.counts()).get(current)).toBe(first.done);
      expect(await broken()).toEqual([]);
      expect(await stores.resealing.run()).toEqual({ done: 150, unreadable: 0 });
      expect((await stores.resealing.counts()).size).toBe(1);
    });

    it('may be done twice at once, and under people who write', async () => {
      const { stores, fill, rotate, broken, clock } = await sealedInstallation(engine);
      await fill({ people: 5, tokens: 150 });
      rotate();
      const until = clock() + toMilliseconds(HOUR);
      const writes = Array.from({ length: 75 }, (_, index) =>
        stores.artifacts.put('Grant', `token-${index * 2}`, { id: `token-${index * 2}`, again: true }, keys(), until),
      );
      await Promise.all([stores.resealing.run(), stores.resealing.run(), ...writes]);
      expect(await broken()).toEqual([]);
      expect((await stores.resealing.counts()).size).toBe(1);
      for (let index = 0; index < 75; index += 1) {
        const found = await stores.artifacts.get('Grant', `token-${index * 2}`);
        expect(found?.payload['again']).toBe(true);
      }
    });

    it('loses against a concurrent change, in every place', async () => {
      const { places, fill } = await sealedInstallation(engine);
      await fill({ people: 1, tokens: 1 });
      for (const rows of Object.values(places)) {
        const [row] = await rows.slice(null, 1, 'nothing0');
        if (!row) throw new Error('there is no row');
        const theirs = Buffer.from('theirs00 and some more');
        expect(await rows.replace(row, theirs)).toBe(true);
        expect(await rows.replace(row, Buffer.from('ours0000'))).toBe(false);
        expect(await rows.replace({ ...row, record: 'gone' }, Buffer.from('ours0000'))).toBe(false);
        const [now] = await rows.slice(null, 1, 'nothing0');
        expect(Buffer.from(now?.sealed ?? [])).toEqual(theirs);
      }
    });

    it('leaves what cannot be opened as it is, counts it, and does the rest', async () => {
      const { stores, fill, rotate, places } = await sealedInstallation(engine);
      const old = stores.keyring.currentKeyId;
      await fill({ people: 1, tokens: 3 });
      for (const rows of [places['artifact'], places['TotpCredential.sealedSecret']]) {
        const [row] = (await rows?.slice(null, 1, 'nothing0')) ?? [];
        if (row) await rows?.replace(row, Buffer.concat([row.sealed.subarray(0, -1), Buffer.from([0])]));
      }
      const current = rotate();
      expect(await stores.resealing.run()).toEqual({ done: 1 + 3 + OTHERS - 2, unreadable: 2 });
      expect(await stores.resealing.counts()).toEqual(
        new Map([
          [current, 2 + OTHERS],
          [old, 2],
        ]),
      );
    });

    it('that was not done before a key was removed costs what is short-lived, and is an error for what is not', async () => {
      const { stores, fill, rotate, remove, clock } = await sealedInstallation(engine);
      const old = stores.keyring.currentKeyId;
      await fill({ people: 1, tokens: 1 });
      const flow = stores.progress<{ step: number }>('flow');
      await flow.save('f', { step: 1 }, 0, clock() + toMilliseconds(HOUR));
      rotate();
      remove(old);
      expect(await stores.artifacts.get('Grant', 'token-0')).toBeNull();
      expect(await flow.load('f')).toBeNull();
      await expect(stores.accounts.totpCredentials('acc_0')).rejects.toThrow(new UnknownKey(old));
      expect(await stores.resealing.run()).toEqual({ done: 0, unreadable: 2 + OTHERS });
    });
  });

  describe(`lasting keys on ${engine}`, { timeout: 30_000 }, () => {
    it('are what the oldest key of the keyring gave, where there were hashes before there were lasting keys', async () => {
      const { stores, below, rotate, remove, open } = await sealedInstallation(engine);
      const old = stores.keyring.currentKeyId;
      const recoveryCodes = stores.keyring.subkey('recovery-code');
      const attempts = stores.keyring.subkey('attempts');
      await below.database.prisma.lastingKey.deleteMany();

      rotate();
      // In one process SQLite's connections would wait for one another for ever.
      const starters = engine === 'sqlite' ? 1 : 3;
      for (const { lastingKeys } of await racers(starters, open)) {
        expect(lastingKeys).toMatchObject({ recoveryCodes, attempts });
      }
      await stores.resealing.run();
      remove(old);
      expect((await open()).lastingKeys).toMatchObject({ recoveryCodes, attempts });
    });

    it('are random in a new installation, and the same at every start', async () => {
      const { stores, open } = await sealedInstallation(engine);
      const { recoveryCodes, attempts } = stores.lastingKeys;
      expect([recoveryCodes.length, attempts.length]).toEqual([32, 32]);
      expect(recoveryCodes).not.toEqual(attempts);
      expect(recoveryCodes).not.toEqual(stores.keyring.subkey('recovery-code'));
      expect((await open()).lastingKeys).toEqual(stores.lastingKeys);
    });

    it('refuse a start with a keyring that lacks the newest key', async () => {
      const { stores, rotate, remove, open } = await sealedInstallation(engine);
      const old = stores.keyring.currentKeyId;
      const added = rotate();
      await stores.resealing.run();
      remove(added);
      await expect(open()).rejects.toThrow(
        `this database is sealed under a newer key than KEYS_DIR holds (the keyring has no key ${added}): put the newest keyring.json there, from another instance or the backup`,
      );
      expect(stores.keyring.currentKeyId, `it keeps what it has, rather than go back to ${old}`).toBe(added);
    });
  });
}
