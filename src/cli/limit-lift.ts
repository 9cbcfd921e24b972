import { isIP } from 'node:net';
import type { Command } from 'commander';
import { normalizeEmail } from '../accounts/account.ts';
import { BY_OPERATOR } from '../lib/by.ts';
import { createAttempts } from '../limits/attempts.ts';
import { waitingNow } from '../limits/overview.ts';
import { action, type Cli } from './command.ts';
import { existingAccount } from './existing-account.ts';
import { UsageFailure } from './failure.ts';
import { type Opened, withStores } from './stores.ts';

interface Options {
  account?: string;
  address?: string;
  all?: boolean;
}

export function limitLift(cli: Cli): Command {
  return action('lift', 'let those try again at once who must wait', {
    examples: ['limit lift --account ada@example.org', 'limit lift --address 192.0.2.7'],
  })
    .option('--account <account>', 'an account, by id or email')
    .option('--address <address>', `a visitor's network address; of IPv6, its whole /64`)
    .option('--all', 'everybody')
    .action(async ({ account, address, all }: Options) => {
      if ([account, address, all].filter((given) => given !== undefined).length !== 1) {
        throw new UsageFailure('give one of --account, --address and --all', 'gatewright limit lift');
      }
      if (address !== undefined && isIP(address) === 0) {
        throw new UsageFailure(`"${address}" is not a network address`, 'gatewright limit lift');
      }
      await withStores(cli, {}, (opened) => {
        if (account !== undefined) return liftAccount(cli, opened, account);
        return address === undefined ? liftAll(cli, opened) : liftAddress(cli, opened, address);
      });
    });
}

function attemptsOf(cli: Cli, { config: { limits }, stores: { attempts: store, lastingKeys: keys } }: Opened) {
  return createAttempts({ store, limits, clock: cli.clock, keys });
}

async function liftAccount(cli: Cli, opened: Opened, who: string): Promise<void> {
  const { accounts, audit } = opened.stores;
  const { id, email } = await existingAccount(accounts, who);
  await attemptsOf(cli, opened).lift(id, normalizeEmail(email));
  await audit.write({ event: 'account.unlocked', accountId: id }, BY_OPERATOR);
  cli.out.result(`${email} may try again at once.`, { id, email, lifted: true });
}

async function liftAddress(cli: Cli, opened: Opened, address: string): Promise<void> {
  await attemptsOf(cli, opened).liftAddress(address);
  await opened.stores.audit.write({ event: 'limit.lifted', of: 'address' }, BY_OPERATOR);
  cli.out.result(`Visitors from ${address} may try again at once.`, { address, lifted: true });
}

async function liftAll(cli: Cli, { stores: { attempts: store, lastingKeys, audit } }: Opened): Promise<void> {
  const now = cli.clock();
  const { length: lifted } = await waitingNow({ store, key: lastingKeys.attempts, accounts: [], now });
  await store.clearBlocked(now);
  await audit.write({ event: 'limit.lifted', of: 'all' }, BY_OPERATOR);
  cli.out.result(`${lifted === 1 ? 'One wait is' : `${lifted} waits are`} lifted.`, { lifted });
}
