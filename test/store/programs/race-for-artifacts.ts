// Spends the given artifacts, or puts them once, against other processes on the same file or, where an address is given,
// in the same PostgreSQL database; prints those it got.
import { join } from 'node:path';
import { systemClock } from '../../../src/lib/clock.ts';
import { HOUR, toMilliseconds } from '../../../src/lib/duration.ts';
import { openKeyring } from '../../../src/lib/keyring.ts';
import { createSealer } from '../../../src/lib/sealing.ts';
import { createArtifacts } from '../../../src/store/artifacts.ts';
import { postgresqlArtifactRows } from '../../../src/store/postgresql/artifact-rows.ts';
import { openPool } from '../../../src/store/postgresql/pool.ts';
import { sqliteArtifactRows } from '../../../src/store/sqlite/artifact-rows.ts';
import { openStateFile } from '../../../src/store/sqlite/state-file.ts';
import { meet } from './meet.ts';

const [verb = '', root = '', me = '', count = '', ids = '', url = ''] = process.argv.slice(2);
const { rows, close } = url ? inDatabase(url) : inFile(join(root, 'data', 'state.db'));
const sealer = createSealer(openKeyring(join(root, 'keys'), { mayCreate: false }));
const artifacts = createArtifacts({
  rows,
  sealer,
  clock: systemClock,
  markLifetime: toMilliseconds(HOUR),
});
const keys = { uid: null, grantId: null, accountId: null, clientId: null, sessionUid: null };
const expiresAt = systemClock() + toMilliseconds(HOUR);

meet(root, Number(me), Number(count));
const won: string[] = [];
for (const id of ids.split(',')) {
  const got =
    verb === 'consume'
      ? await artifacts.consume('RefreshToken', id)
      : await artifacts.putOnce('ReplayDetection', id, { by: me }, keys, expiresAt);
  if (got) won.push(id);
}
await close();
console.log(won.join(','));

function inFile(file: string) {
  const db = openStateFile(file);
  return { rows: sqliteArtifactRows(db), close: async () => db.close() };
}

function inDatabase(url: string) {
  const pool = openPool({ url, size: 2 });
  return { rows: postgresqlArtifactRows(pool), close: () => pool.end() };
}
