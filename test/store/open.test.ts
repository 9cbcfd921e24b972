import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openStateFile } from '../../src/store/sqlite/state-file.ts';
import { ISSUER, openTestStores, testFolders } from '../support/stores.ts';
import { anAccount, BY } from './samples.ts';

describe('opening an installation', () => {
  it('makes it the first time, with files for their owner only, and finds it again', async () => {
    const folders = testFolders();
    const first = await openTestStores({ folders });
    await first.accounts.create(anAccount(), BY);
    await first.close();

    const again = await openTestStores({ folders });
    expect(await again.accounts.find('acc_ada')).not.toBeNull();
    expect(again.keyring.id).toBe(first.keyring.id);
    for (const folder of [folders.data, folders.keys]) {
      expect(statSync(folder).mode & 0o777).toBe(0o700);
      for (const file of readdirSync(folder)) {
        expect([file, statSync(path.join(folder, file)).mode & 0o777]).toEqual([file, 0o600]);
      }
    }
  });

  it('is refused under another issuer', async () => {
    const folders = testFolders();
    await (await openTestStores({ folders })).close();
    await expect(openTestStores({ folders, issuer: 'https://other.example.org' })).rejects.toMatchObject({
      name: 'OperatorProblem',
      message: `this database belongs to the issuer ${ISSUER}, but ISSUER is https://other.example.org: set ISSUER back, or point DATA_DIR at an empty folder for a new installation`,
    });
    await expect(openTestStores({ folders })).resolves.toBeDefined();
  });

  it('is refused with the keyring of another installation', async () => {
    const mine = testFolders();
    const yours = testFolders();
    const { keyring, close } = await openTestStores({ folders: mine });
    await close();
    const other = await openTestStores({ folders: yours });
    await other.close();
    await expect(openTestStores({ folders: { data: mine.data, keys: yours.keys } })).rejects.toMatchObject({
      name: 'OperatorProblem',
      message: `this database was sealed with keyring ${keyring.id}, but KEYS_DIR holds keyring ${other.keyring.id}: put the right keyring.json back, or point DATA_DIR at the database that belongs to this one`,
    });
  });

  it('is refused without its keyring, and no new one is made', async () => {
    const folders = testFolders();
    await (await openTestStores({ folders })).close();
    rmSync(folders.keys, { recursive: true });
    await expect(openTestStores({ folders })).rejects.toMatchObject({
      name: 'OperatorProblem',
      message: expect.stringMatching(/^the keyring .* is missing although the database holds data sealed with it: put/),
    });
    expect(() => statSync(folders.keys)).toThrow('ENOENT');
  });

  it('is refused where a file stands in place of the data folder', async () => {
    const { root, ...folders } = testFolders();
    writeFileSync(folders.data, '');
    await expect(openTestStores({ folders })).rejects.toMatchObject({
      name: 'OperatorProblem',
      message: expect.stringMatching(/^the data folder .* cannot be written .*set DATA_DIR$/),
    });
  });

  it('is refused with a state file of a newer version', async () => {
    const folders = testFolders();
    mkdirSync(folders.data);
    const db = openStateFile(path.join(folders.data, 'state.db'));
    db.exec('PRAGMA user_version = 99');
    db.close();
    await expect(openTestStores({ folders })).rejects.toMatchObject({
      name: 'OperatorProblem',
      message: expect.stringMatching(
        /state\.db was written by a newer Gatewright: run that version, or restore a backup$/,
      ),
    });
  });

  it('is refused with a damaged state file, and told what is lost with it', async () => {
    const folders = testFolders();
    mkdirSync(folders.data);
    writeFileSync(path.join(folders.data, 'state.db'), 'x'.repeat(8192));
    await expect(openTestStores({ folders })).rejects.toMatchObject({
      name: 'OperatorProblem',
      message: expect.stringMatching(
        /state\.db is damaged .* or delete it: then people sign in again, and revoked tokens, used assertions and blocks after wrong guesses are forgotten$/,
      ),
    });
  });
});
