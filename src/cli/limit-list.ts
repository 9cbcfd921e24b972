import type { Command } from 'commander';
import { normalizeEmail } from '../accounts/account.ts';
import { waitingNow } from '../limits/overview.ts';
import { action, type Cli } from './command.ts';
import { iso, table } from './layout.ts';
import { withStores } from './stores.ts';

const HEADINGS = ['LIMIT', 'ACCOUNT', 'UNTIL'];
const NOTES = `What is counted is kept as a keyed hash: an account is named where there is one, a visitor's address never is.`;

export function limitList(cli: Cli): Command {
  return action('list', 'list who must wait after too many tries', { notes: NOTES }).action(() =>
    withStores(cli, {}, async ({ stores: { accounts, attempts: store, lastingKeys } }) => {
      const all = await accounts.list();
      const waiting = await waitingNow({
        ...{ store, key: lastingKeys.attempts, now: cli.clock() },
        accounts: all.map(({ id, email }) => ({ id, email, emailNormalized: normalizeEmail(email) })),
      });
      const rows = waiting.map(({ kind, account, until }) => [
        kind,
        account?.email ?? '-',
        until === null ? 'an operator lifts it' : iso(until),
      ]);
      const text = table({ headings: HEADINGS, rows, width: cli.out.width });
      const value = waiting.map(({ until, ...rest }) => ({ ...rest, until: until === null ? null : iso(until) }));
      cli.out.result(waiting.length > 0 ? text : 'Nobody must wait.', value);
    }),
  );
}
