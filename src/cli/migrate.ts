import type { Command } from 'commander';
import { parseConfig } from '../config/config.ts';
import { action, type Cli } from './command.ts';
import { withStores } from './stores.ts';

export function migrate(cli: Cli): Command {
  return action('migrate', 'bring the database up to date, as the server does when it starts')
    .option('--check', 'only list what would be done')
    .action(async ({ check = false }: { check?: boolean }) => {
      const { folders } = parseConfig(cli.env);
      const [{ databaseFile }, { pending }] = await Promise.all([
        import('../store/open.ts'),
        import('../store/prisma/migrate.ts'),
      ]);
      const names = pending({ file: databaseFile(folders.data) });
      // Not by itself: the keyring is made before the database, and the two are bound together.
      if (!check) await withStores(cli, { mayCreate: true }, async () => {});

      const headline = check ? 'To be applied:' : 'Applied:';
      const text =
        names.length > 0 ? [headline, ...names.map((name) => `  ${name}`)].join('\n') : 'The database is up to date.';
      cli.out.result(text, check ? { pending: names } : { applied: names });
    });
}
