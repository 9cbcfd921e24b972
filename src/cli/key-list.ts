import type { Command } from 'commander';
import type { Milliseconds } from '../lib/duration.ts';
import { ofAlgorithm, type StatedKey, youngestOf } from '../signing/key-set.ts';
import { action, type Cli } from './command.ts';
import { iso, table } from './layout.ts';
import { openSigning } from './signing.ts';
import { withStores } from './stores.ts';

const STATES = `States:
  announced  published already, signs from the time under SIGNS FROM
  active     signs
  retired    signs no more; what it signed is still good
  gone       older than anything it signed that may still be met, and published no more
  revoked    what it signed is refused`;

export function keyList(cli: Cli): Command {
  return action('list', 'list the signing keys and when the next one is due', { notes: STATES }).action(() =>
    withStores(cli, {}, async (opened) => {
      const signing = await openSigning(opened, cli.clock);
      const keys = await signing.list();
      const dueAt = (key: StatedKey) => {
        const peers = ofAlgorithm(keys, key.algorithm);
        return key === youngestOf(peers) ? signing.schedule.rotationDueAt(peers) : null;
      };
      const text = `${keyTable(keys, cli.out.width)}\n\n${rotation(keys.map(dueAt), cli.clock())}`;
      const none = 'There are no keys yet: the server makes one when it starts.';
      cli.out.result(
        keys.length > 0 ? text : none,
        keys.map((key) => keyJson(key, dueAt(key))),
      );
    }),
  );
}

function keyTable(keys: StatedKey[], width: number | null): string {
  const rows = keys.map(({ kid, algorithm, state, createdAt, activatesAt, revokedAt }) => {
    return [kid, algorithm, state, iso(createdAt), iso(activatesAt), revokedAt === null ? '' : iso(revokedAt)];
  });
  const headings = ['KEY ID', 'ALGORITHM', 'STATE', 'CREATED', 'SIGNS FROM', 'REVOKED'];
  const shown = keys.some(({ revokedAt }) => revokedAt !== null) ? 6 : 5;
  return table({ headings: headings.slice(0, shown), rows: rows.map((row) => row.slice(0, shown)), width });
}

function rotation(due: (Milliseconds | null)[], now: Milliseconds): string {
  const dueAt = Math.min(...due.filter((at) => at !== null));
  if (dueAt === Number.POSITIVE_INFINITY)
    return 'No key is added by itself: npx gatewright key rotate does it, or SIGNING_KEY_DAYS above 0.';
  if (dueAt > now) return `The server announces the next key on ${iso(dueAt)} (SIGNING_KEY_DAYS).`;
  return `The next key has been due since ${iso(dueAt)}: a running server announces it within seconds.`;
}

/** Never the private key. */
function keyJson(
  { kid, algorithm, state, createdAt, activatesAt, revokedAt }: StatedKey,
  rotationDueAt: Milliseconds | null,
): Record<string, string | null> {
  return {
    ...{ kid, state, algorithm },
    createdAt: iso(createdAt),
    activatesAt: iso(activatesAt),
    revokedAt: revokedAt === null ? null : iso(revokedAt),
    rotationDueAt: rotationDueAt === null ? null : iso(rotationDueAt),
  };
}
