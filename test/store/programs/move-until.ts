// Moves the installation of a folder to a PostgreSQL database, up to a step after which the program dies as by kill -9.
import { join } from 'node:path';
import { systemClock } from '../../../src/lib/clock.ts';
import { type Move, openMove } from '../../../src/store/copy/move.ts';

const [root = '', issuer = '', to = '', last = ''] = process.argv.slice(2);
const folders = { data: join(root, 'data'), keys: join(root, 'keys') };
let largest = 0;

function dieAfter(step: string): void {
  if (step === last) process.kill(process.pid, 'SIGKILL');
}

async function run(move: Move): Promise<void> {
  const begun = performance.now();
  await move.arrive();
  dieAfter('arrive');
  if (!move.isLeft) await move.copy(() => (largest = Math.max(largest, process.memoryUsage().rss)));
  dieAfter('copy');
  const tables = await move.compare(() => {});
  dieAfter('compare');
  await move.commit();
  dieAfter('commit');
  if (!move.isLeft) move.freezeState();
  dieAfter('freezeState');
  if (!move.isLeft) move.leave();
  dieAfter('leave');
  await move.open();
  const seconds = (performance.now() - begun) / 1000;
  console.log(JSON.stringify({ tables, finished: move.isLeft, seconds, megabytes: largest / 2 ** 20 }));
}

try {
  const move = await openMove({ issuer, folders, to, clock: systemClock });
  await run(move).finally(() => move.close());
} catch (err) {
  console.log(JSON.stringify({ problem: (err as Error).message, name: (err as Error).name }));
}
