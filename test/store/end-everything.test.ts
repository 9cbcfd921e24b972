import { expect, it } from 'vitest';
import { DAY } from '../../src/lib/duration.ts';
import { createKnownBrowsers } from '../../src/limits/known-browsers.ts';
import { refuseOlder } from '../../src/store/backup/end-everything.ts';
import { openBothFiles } from '../../src/store/sqlite/both-files.ts';
import { openTestStores } from '../support/stores.ts';
import { anAccount, BY } from './samples.ts';

it('a browser whose trust may have ended since a backup was made is trusted no more, and stays known', async () => {
  const before = await openTestStores();
  const { accounts, clock, folders } = before;
  const trustedFor = 30 * DAY;
  await accounts.create(anAccount(), BY);
  clock.forward(1000);
  const ada = await accounts.find('acc_ada');
  if (!ada) throw new Error('there is no account');
  const browsers = createKnownBrowsers({ store: before.knownBrowsers, trustedFor, clock });
  const cookie = await browsers.trust(null, ada, clock(), BY);
  expect(await browsers.isTrusted(cookie, ada)).toBe(true);

  await before.close();
  const files = openBothFiles(folders.data);
  refuseOlder(files, clock());
  files.close();

  const { knownBrowsers: store } = await openTestStores({ folders, clock });
  const after = createKnownBrowsers({ store, trustedFor, clock });
  expect(await after.isTrusted(cookie, ada)).toBe(false);
  expect(await after.attempt(cookie, 'acc_ada')).not.toBeNull();
});
