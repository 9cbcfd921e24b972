import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { setImmediate as letOthersGo } from 'node:timers/promises';
import { startAuditSealer } from '../src/audit/sealer.ts';
import { systemClock } from '../src/lib/clock.ts';
import { DAY } from '../src/lib/duration.ts';
import { createLog } from '../src/lib/log.ts';
import { openStores } from '../src/store/open.ts';

/**
 * Measures how many sign-ins per second can be recorded, with and without the sealer, interleaved.
 * `npm run bench:audit`, or with DATABASE_URL of an empty PostgreSQL database.
 */
const ROUNDS = 5;
const ROUND = 3_000;
const AT_ONCE = 16;

const folder = mkdtempSync(path.join(tmpdir(), 'gatewright-bench-'));
const stores = await openStores({
  ...{ issuer: 'http://localhost:3000', redis: null, longestLifetime: DAY, clock: systemClock },
  folders: { data: path.join(folder, 'data'), keys: path.join(folder, 'keys') },
  database: { url: process.env['DATABASE_URL'] ?? null, pool: 10 },
});
const { audit, auditTrail: trail } = stores;

const event = { event: 'sign_in.succeeded', accountId: 'acc_1', clientId: 'web', amr: ['pwd'], acr: 'basic' } as const;
const by = { actor: 'visitor', address: '192.0.2.7', requestId: 'req_1', browser: 'Firefox on Linux' };
await stores.accounts.create(
  { id: 'acc_1', email: 'a@example.org', emailVerified: true, role: 'user', passwordHash: null, claims: {} },
  by,
);

async function write(): Promise<number> {
  const end = performance.now() + ROUND;
  let written = 0;
  async function writer(): Promise<void> {
    while (performance.now() < end) {
      await audit.write(event, by);
      written += 1;
      // As between requests: SQLite answers without giving timers their turn.
      await letOthersGo();
    }
  }
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: AT_ONCE }, writer));
  return (written * 1000) / (performance.now() - startedAt);
}

async function sealRest(): Promise<number> {
  let count = 0;
  for (let sealed = await trail.seal(200); sealed; sealed = await trail.seal(200)) count += sealed.count;
  return count;
}

const median = (numbers: number[]) =>
  Math.round(numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0);
const [without, withIt, waiting, alone]: number[][] = [[], [], [], []] as number[][];
for (let round = 0; round < ROUNDS; round += 1) {
  without?.push(await write());
  const startedAt = performance.now();
  const count = await sealRest();
  alone?.push((count * 1000) / (performance.now() - startedAt));

  const sealer = startAuditSealer({ trail, emit: () => {}, log: createLog('error') });
  withIt?.push(await write());
  waiting?.push((await trail.pending()).count);
  await sealer.stop();
  await sealRest();
}
await stores.close();
rmSync(folder, { recursive: true, force: true });

process.stdout.write(
  [
    `recorded without the sealer, median of ${ROUNDS}:   ${median(without ?? [])} a second`,
    `recorded with the sealer:                 ${median(withIt ?? [])} a second`,
    `not sealed at the end of a round:         ${median(waiting ?? [])}`,
    `sealed with nothing else to do:           ${median(alone ?? [])} a second`,
    '',
  ].join('\n'),
);
