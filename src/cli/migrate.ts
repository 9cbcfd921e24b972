import type { Command } from 'commander';
import { parseConfig } from '../config/config.ts';
import { action, type Cli } from './command.ts';
import { withStores } from './stores.ts';

export function migrate(cli: Cli): Command {
  return action('migrate', 'bring the database up to date, as the server does when it starts')
    .option('--check', 'only list what would be done')
    .action(async ({ check = false }: { check?: boolean }) => {
      const { placeOf } = await import('../store/place.ts');
      // Not by itself, but as the server does: the keyring is made with the database, and the two are bound together.
      const names = check
        ? await placeOf(parseConfig(cli.env)).pendingMigrations()
        : await withStores(cli, { mayCreate: true }, async ({ stores }) => stores.migrated);

      const headline = check ? 'To be applied:' : 'Applied:';
      const text =
        names.length > 0 ? [headline, ...names.map((name) => `  ${name}`)].join('\n') : 'The database is up to date.';
      cli.out.result(text, check ? { pending: names } : { applied: names });
    });
}
