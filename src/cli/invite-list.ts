import type { Command } from 'commander';
import { yesNo } from './client-view.ts';
import { action, type Cli } from './command.ts';
import { iso, table } from './layout.ts';
import { withStores } from './stores.ts';

const HEADINGS = ['EMAIL', 'NAME', 'ROLE', 'MAILED', 'SINCE', 'UNTIL'];

export function inviteList(cli: Cli): Command {
  return action('list', 'list the invitations that nobody has used yet').action(() =>
    withStores(cli, {}, async ({ stores: { newcomers } }) => {
      const open = await newcomers.invitations();
      const rows = open.map(({ email, name, role, mailed, createdAt, expiresAt }) => {
        return [email, name ?? '-', role, yesNo(mailed), iso(createdAt), iso(expiresAt)];
      });
      const text =
        open.length > 0 ? table({ headings: HEADINGS, rows, width: cli.out.width }) : 'No invitation is open.';
      const value = open.map(({ createdAt, expiresAt, ...rest }) => {
        return { ...rest, createdAt: iso(createdAt), expiresAt: iso(expiresAt) };
      });
      cli.out.result(text, value);
    }),
  );
}
