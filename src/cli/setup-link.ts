import type { Command } from 'commander';
import { BY_OPERATOR } from '../lib/by.ts';
import { action, type Cli } from './command.ts';
import { Failure } from './failure.ts';
import { withStores } from './stores.ts';

export function setupLink(cli: Cli): Command {
  return action('setup-link', 'make the link under which the first administrator is created; older links end').action(
    () =>
      withStores(cli, { mayCreate: true }, async ({ config: { issuer }, stores }) => {
        if (await stores.accounts.hasAdministrator()) {
          throw new Failure(
            'there is an administrator already: npx gatewright account create --admin makes another one',
          );
        }
        const { makeSetupLink } = await import('../setup/setup-link.ts');
        const link = await makeSetupLink({ links: stores.setupLinks, issuer, clock: cli.clock }, BY_OPERATOR);
        cli.out.result(`Open this link within the hour to create the first administrator:\n\n  ${link}`, { link });
      }),
  );
}
