import type { Command } from 'commander';
import type { Milliseconds } from '../lib/duration.ts';
import type { RegistrationToken } from '../registration/token.ts';
import { action, type Cli } from './command.ts';
import { iso, table } from './layout.ts';
import { withStores } from './stores.ts';

const HEADINGS = ['ID', 'NAME', 'STATE', 'USES LEFT', 'TYPES', 'UNTIL'];

export function registrationTokenList(cli: Cli): Command {
  return action('list', 'list the registration tokens there are and were').action(() =>
    withStores(cli, {}, async ({ stores: { registrationTokens } }) => {
      const all = await registrationTokens.list();
      const rows = all.map((token) => {
        const { id, name, usesLeft, policy, expiresAt } = token;
        return [
          id,
          name,
          stateOf(token, cli.clock()),
          String(usesLeft ?? 'any'),
          policy.types.join(' '),
          iso(expiresAt),
        ];
      });
      const text = table({ headings: HEADINGS, rows, width: cli.out.width });
      const json = all.map(({ policy, createdAt, expiresAt, revokedAt, ...token }) => ({
        ...token,
        state: stateOf({ ...token, expiresAt, revokedAt }, cli.clock()),
        ...{ createdAt: iso(createdAt), expiresAt: iso(expiresAt), policy },
        revokedAt: revokedAt === null ? null : iso(revokedAt),
      }));
      cli.out.result(all.length > 0 ? text : 'No registration token was ever made.', json);
    }),
  );
}

function stateOf(
  { usesLeft, expiresAt, revokedAt }: Pick<RegistrationToken, 'usesLeft' | 'expiresAt' | 'revokedAt'>,
  now: Milliseconds,
): 'usable' | 'revoked' | 'spent' | 'expired' {
  if (revokedAt !== null) return 'revoked';
  if (usesLeft === 0) return 'spent';
  return expiresAt <= now ? 'expired' : 'usable';
}
