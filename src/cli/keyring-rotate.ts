import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { BY_OPERATOR } from '../lib/by.ts';
import { DAY, type Milliseconds, type Seconds, toMilliseconds } from '../lib/duration.ts';
import type { Keyring } from '../lib/keyring.ts';
import { action, type Cli } from './command.ts';
import { Failure, UsageFailure } from './failure.ts';
import { KNOWN_WITHIN, statedKeys } from './keyring-keys.ts';
import { iso } from './layout.ts';
import { lengthOfTime } from './length-of-time.ts';
import { sealAnew } from './seal-anew.ts';
import { withStores } from './stores.ts';

const TICK: Milliseconds = 250;
const LONGEST: Seconds = 7 * DAY;

const NOTES = `The new key takes over once every instance can know it. Those that share the folder of the keyring look
there every few seconds. Where each machine has its own copy, give a longer time (--activate-in 1h) and copy
keyring.json to all of them within it. Nobody is signed out. When the command is interrupted, a running server
goes on with the work.`;

export function keyringRotate(cli: Cli): Command {
  return action('rotate', 'add a key, let it take over, and seal everything under it', {
    examples: ['keyring rotate', 'keyring rotate --activate-in 1h    # each machine has its own copy of keys/'],
    notes: NOTES,
  })
    .option('--activate-in <time>', 'when the new key takes over, such as 30s, 10m or 1h', '30s')
    .action(({ activateIn }: { activateIn: string }) => rotate(cli, parseTime(activateIn)));
}

async function rotate(cli: Cli, activateIn: Seconds): Promise<void> {
  const { out } = cli;
  await withStores(cli, {}, async ({ config, stores }) => {
    const { keyring, audit } = stores;
    const before = keyring.currentKeyId;
    const added = await addKey(config.folders.keys, activateIn, cli);
    keyring.look();
    await audit.write({ event: 'keyring.key_added', keyId: added.id }, BY_OPERATOR);
    if (activateIn < KNOWN_WITHIN) out.warn(`in ${activateIn} s, other instances may not have learnt of the new key`);

    await waitFor(added, keyring, cli);
    const { done, unreadable } = await sealAnew(stores, out);
    const old = statedKeys(keyring, await stores.resealing.counts(), config).find(({ id }) => id === before);
    const runsOutAt = old?.runsOutAt ? iso(old.runsOutAt) : null;
    out.result(
      [
        `The key ${added.id} is the current one; ${done} records were sealed anew under it.`,
        'Copy keyring.json to where its backup is, and to every machine that has a copy of its own.',
        `From ${runsOutAt} on, the old key can be removed: npx gatewright keyring remove ${before}`,
      ].join('\n'),
      { ...{ current: added.id, records: done, unreadable }, old: { id: before, runsOutAt } },
    );
  });
}

interface Added {
  id: string;
  activatesAt: Milliseconds;
}

async function addKey(folder: string, activateIn: Seconds, { clock }: Cli): Promise<Added> {
  const [{ newKey }, { changeKeyringFile }] = await Promise.all([
    import('../lib/keyring-file.ts'),
    import('../lib/keyring-writing.ts'),
  ]);
  const activatesAt = clock() + toMilliseconds(activateIn);
  const key = newKey(activatesAt, clock);
  changeKeyringFile(folder, (content) => {
    const waiting = content.keys.find((known) => Date.parse(known.activatesAt) > clock());
    if (waiting) {
      throw new Failure(
        `the key ${waiting.id} takes over at ${waiting.activatesAt}: wait for that before the next one`,
      );
    }
    return { ...content, keys: [...content.keys, key] };
  });
  return { id: key.id, activatesAt };
}

/** @throws {Failure} where it is removed meanwhile: what would be sealed under it then, nothing would ever open */
async function waitFor({ id, activatesAt }: Added, keyring: Keyring, { out, clock }: Cli): Promise<void> {
  const { progressBar } = await import('./progress-bar.ts');
  const start = clock();
  const bar = progressBar(out, `Until the key ${id} takes over`, activatesAt - start);
  for (let now = start; now < activatesAt; now = clock()) {
    bar.to(now - start);
    await pause(Math.min(TICK, activatesAt - now));
    keyring.look();
    if (!keyring.keys.some((known) => known.id === id)) {
      throw new Failure(`the key ${id} was removed before it took over: nothing was sealed anew`);
    }
  }
  bar.done();
}

/** @throws {UsageFailure} */
function parseTime(text: string): Seconds {
  const seconds = lengthOfTime(text);
  if (!seconds || seconds > LONGEST) {
    throw new UsageFailure(`--activate-in must be a time from 1s to 7d, such as 30s or 1h, not "${text}"`);
  }
  return seconds;
}
