import type { Command } from 'commander';
import type { Clock } from '../lib/clock.ts';
import { action, type Cli } from './command.ts';
import { isRemovable, lostRecords, type StatedKeyringKey, statedKeys } from './keyring-keys.ts';
import { iso, table } from './layout.ts';
import { withStores } from './stores.ts';

const STATES = `States:
  announced  known to the instances, takes over at the time under TAKES OVER
  current    what is stored is sealed under it, and cookies are signed with it
  retired    still opens what was sealed, and accepts what was signed, before it was replaced`;

export function keyringStatus(cli: Cli): Command {
  return action('status', 'show the keys, what is sealed under each, and when an old one can be removed', {
    notes: STATES,
  }).action(() =>
    withStores(cli, {}, async ({ config, stores: { keyring, resealing } }) => {
      const counts = await resealing.counts();
      const keys = statedKeys(keyring, counts, config);
      const lost = lostRecords(keyring, counts);
      if (lost > 0) {
        cli.out.warn(`${lost} records are sealed under a key that is not in the keyring: put its newest copy back`);
      }
      const text = table({
        headings: ['KEY ID', 'STATE', 'CREATED', 'TAKES OVER', 'RECORDS', 'REMOVABLE'],
        rows: keys.map((key) => [
          ...[key.id, key.state, iso(key.createdAt), iso(key.activatesAt), String(key.records)],
          removable(key, cli.clock),
        ]),
        width: cli.out.width,
      });
      cli.out.result(text, { id: keyring.id, keys: keys.map((key) => keyJson(key, cli.clock)), lostRecords: lost });
    }),
  );
}

function removable(key: StatedKeyringKey, clock: Clock): string {
  if (key.state === 'current') return '';
  if (isRemovable(key, clock)) return 'now';
  if (key.runsOutAt !== null && key.runsOutAt > clock()) return `from ${iso(key.runsOutAt)}`;
  return 'after keyring reseal';
}

/** Never a secret. */
function keyJson(key: StatedKeyringKey, clock: Clock) {
  const { id, state, records, createdAt, activatesAt, runsOutAt } = key;
  return {
    ...{ id, state, records, createdAt: iso(createdAt), activatesAt: iso(activatesAt) },
    ...{ runsOutAt: runsOutAt === null ? null : iso(runsOutAt), removable: isRemovable(key, clock) },
  };
}
