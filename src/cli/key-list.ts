import type { Command } from 'commander';
import type { StatedKey } from '../signing/key-set.ts';
import { action, type Cli } from './command.ts';
import { iso, table } from './layout.ts';
import { openSigning } from './signing.ts';
import { withStores } from './stores.ts';

const STATES = `States:
  announced  published, signs from the time under SIGNS FROM
  active     signs
  retired    signs no more; what it signed is still good
  gone       older than anything it signed
  revoked    what it signed is refused`;

export function keyList(cli: Cli): Command {
  return action('list', 'list the signing keys and what each of them does now', { notes: STATES }).action(() =>
    withStores(cli, {}, async (opened) => {
      const keys = await (await openSigning(opened, cli.clock)).list();
      const rows = keys.map((key) => {
        const { createdAt, revokedAt } = keyJson(key);
        return [key.kid, key.state, createdAt, iso(key.activatesAt), revokedAt ?? ''];
      });
      const headings = ['KEY ID', 'STATE', 'CREATED', 'SIGNS FROM', 'REVOKED'];
      const shown = rows.some((row) => row[4]) ? 5 : 4;
      const text = table({
        headings: headings.slice(0, shown),
        rows: rows.map((row) => row.slice(0, shown)),
        width: cli.out.width,
      });
      const none = 'There are no keys yet: the server makes one when it starts.';
      cli.out.result(keys.length > 0 ? text : none, keys.map(keyJson));
    }),
  );
}

/** Never the private key. */
function keyJson({ kid, state, createdAt, activatesAt, revokedAt }: StatedKey) {
  return {
    ...{ kid, state, algorithm: 'RS256' },
    createdAt: iso(createdAt),
    activatesAt: iso(activatesAt),
    revokedAt: revokedAt === null ? null : iso(revokedAt),
  };
}
