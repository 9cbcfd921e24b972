import { rmSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { BY_OPERATOR } from '../lib/by.ts';
import { action, type Cli } from './command.ts';
import { Failure } from './failure.ts';
import { withStores } from './stores.ts';

export function setupLink(cli: Cli): Command {
  return action('setup-link', 'make the link under which the first administrator is created; older links end').action(
    () =>
      withStores(cli, { mayCreate: true }, async ({ config: { issuer, folders }, stores }) => {
        if (await stores.accounts.hasAdministrator()) {
          throw new Failure(
            'there is an administrator already: npx gatewright account create --admin makes another one',
          );
        }
        const { makeSetupLink } = await import('../setup/setup-link.ts');
        const link = await makeSetupLink({ links: stores.setupLinks, issuer, clock: cli.clock }, BY_OPERATOR);
        // What the server wrote there when it started leads nowhere now.
        rmSync(path.join(folders.data, 'setup-link'), { force: true });
        cli.out.result(`Open this link within the hour to create the first administrator:\n\n  ${link}`, { link });
      }),
  );
}
