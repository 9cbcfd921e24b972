import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { AccountStore } from '../accounts/store.ts';
import { BY_SYSTEM } from '../lib/by.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { makeSetupLink } from './setup-link.ts';
import type { SetupLinkStore } from './store.ts';

export interface OfferDeps {
  config: { issuer: string; folders: { data: string } };
  stores: { accounts: AccountStore; setupLinks: SetupLinkStore };
  log: Logger;
  /** Where a person is reading, or null: a link that opens the server does not belong into a log. */
  terminal: { write(text: string): unknown } | null;
  clock?: Clock;
}

/** As long as there is no administrator, every start offers a new link and ends the one before. */
export async function offerSetup({ config, stores, log, terminal, clock = systemClock }: OfferDeps): Promise<void> {
  const file = fileIn(config.folders);
  removeOffer(config.folders);
  if (await stores.accounts.hasAdministrator()) return;

  const link = await makeSetupLink({ links: stores.setupLinks, issuer: config.issuer, clock }, BY_SYSTEM);
  if (terminal) {
    terminal.write(`\n  Create the first administrator within the hour:\n  ${link}\n\n`);
    return;
  }
  try {
    mkdirSync(config.folders.data, { recursive: true, mode: 0o700 });
    writeFileSync(file, `${link}\n`, { mode: 0o600 });
  } catch (err) {
    // With PostgreSQL the server needs no folder that it may write to.
    const { code } = err as NodeJS.ErrnoException;
    log.warn(
      { file, code },
      'there is no administrator yet: npx gatewright setup-link prints the address to make one at',
    );
    return;
  }
  log.info({ file }, 'there is no administrator yet: open the address in this file within the hour');
}

/** The link in the file leads nowhere any more. */
export function removeOffer(folders: { data: string }): void {
  rmSync(fileIn(folders), { force: true });
}

function fileIn({ data }: { data: string }): string {
  return path.join(data, 'setup-link');
}
