import type { Command } from 'commander';
import { BY_OPERATOR } from '../lib/by.ts';
import { action, type Cli } from './command.ts';
import { Failure } from './failure.ts';
import { withStores } from './stores.ts';

export function registrationTokenRevoke(cli: Cli): Command {
  return action('revoke', 'let nobody register with it any more; what was registered stays', {
    examples: ['registration token revoke rgt_…'],
  })
    .argument('<id>', 'its id')
    .action((id: string) =>
      withStores(cli, {}, async ({ stores: { registrationTokens } }) => {
        if (!(await registrationTokens.revoke(id, BY_OPERATOR))) {
          throw new Failure(
            `no registration token ${id} is left to revoke: npx gatewright registration token list shows those there are`,
          );
        }
        cli.out.result(`The registration token ${id} has ended.`, { id, revoked: true });
      }),
    );
}
