import { once } from 'node:events';
import type { Command } from 'commander';
import { BY_OPERATOR } from '../lib/by.ts';
import { action, type Cli } from './command.ts';
import { existingAccount } from './existing-account.ts';
import { withStores } from './stores.ts';

export function accountExport(cli: Cli): Command {
  return action('export', 'write all that is kept about one person, as JSON (docs/account-data.md)', {
    examples: ['account export ada@example.org > ada.json'],
    notes: 'Holds no secret, but addresses and habits of a person: keep the file as you would keep mail.',
  })
    .argument('<account>', 'its id or email')
    .action((who: string) => exportAccount(cli, who));
}

async function exportAccount(cli: Cli, who: string): Promise<void> {
  const [{ accountDocument }, { createOwnRecords }, { createOwnAuthorization }] = await Promise.all([
    import('../own-data/account-document.ts'),
    import('../oidc/own-records.ts'),
    import('../oidc/own-authorization.ts'),
  ]);
  await withStores(cli, {}, async ({ config: { issuer, lifetimes }, stores }) => {
    const { accounts, passkeys, consents, activity, knownBrowsers, audit, clock } = stores;
    const account = await existingAccount(accounts, who);
    const records = createOwnRecords({ ...stores, lifetimes });
    const browsersOf = knownBrowsers.listOf;
    const authorization = createOwnAuthorization(stores);
    const kept = { accounts, passkeys, consents, activity, browsersOf, ...records, ...authorization };
    await audit.write({ event: 'account.exported', accountId: account.id }, BY_OPERATOR);
    for await (const piece of accountDocument(kept, account, { issuer, at: clock() })) {
      await write(piece);
      if (process.stdout.destroyed) return;
    }
  });
}

/** No faster than it is taken. Whoever closes the pipe, as `… | head` does, has seen enough. */
async function write(piece: string): Promise<void> {
  if (process.stdout.write(piece)) return;
  await once(process.stdout, 'drain').catch((err: NodeJS.ErrnoException) => {
    if (err.code !== 'EPIPE') throw err;
  });
}
