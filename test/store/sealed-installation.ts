import { generateKeyPairSync } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { HOUR, toMilliseconds } from '../../src/lib/duration.ts';
import { newKey } from '../../src/lib/keyring-file.ts';
import { changeKeyringFile } from '../../src/lib/keyring-writing.ts';
import { createSealer } from '../../src/lib/sealing.ts';
import { openLetter } from '../../src/mail/sealed-letter.ts';
import { openPostgresqlEngine } from '../../src/store/postgresql/engine.ts';
import { linkIn } from '../../src/store/prisma/link-rows.ts';
import { prismaSealedRows } from '../../src/store/prisma/sealed-rows.ts';
import type { SealedRow, SealedRows } from '../../src/store/reseal.ts';
import { openSqliteEngine } from '../../src/store/sqlite/engine.ts';
import { testClock } from '../support/clock.ts';
import { openTestStores, ownDatabase, testFolders } from '../support/stores.ts';
import { keys } from './artifacts.contract.ts';
import { anAccount, aTotp, BY } from './samples.ts';

export type RelationalEngine = 'sqlite' | 'postgresql';

const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const SEED = 'JBSWY3DPEHPK3PXP';

/** Stores whose keyring can be rotated, and the sealed values below them. */
export async function sealedInstallation(engine: RelationalEngine) {
  const [clock, folders] = [testClock(), testFolders()];
  const place = engine === 'sqlite' ? {} : { url: await ownDatabase() };
  const open = () => openTestStores({ engine, clock, folders, ...place });
  const stores = await open();
  const below = place.url
    ? await openPostgresqlEngine({ url: place.url, poolSize: 2, clock })
    : openSqliteEngine({ folder: folders.data, clock });
  onTestFinished(() => below.close());
  const places: Record<string, SealedRows> = {
    ...prismaSealedRows(below.database.prisma),
    artifact: below.sealedArtifacts,
  };
  const { keyring } = stores;
  const filled: { accounts: string[]; artifacts: string[] } = { accounts: [], artifacts: [] };

  return {
    ...{ stores, clock, folders, below, places, open },
    /** People with a second factor, a letter with a link to one of them, a signing key, and refresh tokens. */
    async fill({ people, tokens }: { people: number; tokens: number }) {
      for (let index = 0; index < people; index += 1) {
        const id = `acc_${index}`;
        await stores.accounts.create(anAccount({ id }), BY_OPERATOR, aTotp({ id: `otp_${index}`, secret: SEED }));
        filled.accounts.push(id);
      }
      await stores.accounts.spendRecoveryCode('acc_0', ['code-1'], BY);
      const times = { createdAt: clock(), activatesAt: clock(), revokedAt: null };
      await stores.signingKeys.add({ kid: 'kid', algorithm: 'RS256', privateKey, ...times }, BY);
      for (let index = 0; index < tokens; index += 1) {
        const id = `token-${index}`;
        const kind = index % 2 ? 'RefreshToken' : 'Grant';
        await stores.artifacts.put(kind, id, { id }, keys({ grantId: id }), clock() + toMilliseconds(HOUR));
        filled.artifacts.push(id);
      }
    },
    /** A new key, current from now on. @returns its id */
    rotate(): string {
      const key = newKey(clock() + 1000, clock);
      changeKeyringFile(folders.keys, (content) => ({ ...content, keys: [...content.keys, key] }));
      keyring.look();
      clock.forward(2);
      return key.id;
    },
    remove(id: string): void {
      changeKeyringFile(folders.keys, (content) => ({
        ...content,
        keys: content.keys.filter((key) => key.id !== id),
      }));
      keyring.look();
    },
    async sealedRows(): Promise<SealedRow[]> {
      const all = await Promise.all(Object.values(places).map((rows) => rows.slice(null, 10_000, 'nothing0')));
      return all.flat();
    },
    /** What does not open any more, or is not what it was. */
    async broken(): Promise<string[]> {
      const found: string[] = [];
      for (const id of filled.accounts) {
        const [totp] = await stores.accounts.totpCredentials(id);
        if (totp?.secret !== SEED) found.push(id);
      }
      for (const { id, sealedPayload } of await stores.rows('OutboxMessage')) {
        const letter = openLetter(createSealer(keyring), String(id), String(sealedPayload));
        if (letter.about.message !== 'recovery-code-used') found.push('letter');
      }
      for (const row of await below.database.prisma.mailedLink.findMany()) {
        if (linkIn(createSealer(keyring), row).detail['about'] !== 'recovery-code-used') found.push('link');
      }
      const [signing] = await stores.signingKeys.list();
      if (signing && signing.privateKey !== privateKey) found.push('signing key');
      for (const [index, id] of filled.artifacts.entries()) {
        const artifact = await stores.artifacts.get(index % 2 ? 'RefreshToken' : 'Grant', id);
        if (artifact?.payload['id'] !== id) found.push(id);
      }
      return found;
    },
  };
}
