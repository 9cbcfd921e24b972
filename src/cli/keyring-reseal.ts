import type { Command } from 'commander';
import { action, type Cli } from './command.ts';
import { sealAnew } from './seal-anew.ts';
import { withStores } from './stores.ts';

export function keyringReseal(cli: Cli): Command {
  return action('reseal', 'seal everything under the current key, as a running server does by and by').action(() =>
    withStores(cli, {}, async ({ stores }) => {
      const { done, unreadable } = await sealAnew(stores, cli.out);
      const { currentKeyId } = stores.keyring;
      cli.out.result(`${done} records were sealed anew: all are under ${currentKeyId}.`, {
        ...{ current: currentKeyId, records: done, unreadable },
      });
    }),
  );
}
