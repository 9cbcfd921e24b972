import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { DAY, type Milliseconds, type Seconds, toMilliseconds } from '../lib/duration.ts';
import { type Keyring, openKeyring } from '../lib/keyring.ts';
import { createSealer } from '../lib/sealing.ts';
import { createArtifacts } from './artifacts.ts';
import { prismaAccounts } from './prisma/accounts.ts';
import { prismaAudit } from './prisma/audit.ts';
import { prismaClients } from './prisma/clients.ts';
import { prismaConsents } from './prisma/consents.ts';
import { openDatabase } from './prisma/database.ts';
import { claimInstallation } from './prisma/installation.ts';
import { migrate } from './prisma/migrate.ts';
import { prismaOutbox } from './prisma/outbox.ts';
import { sqliteRegistry } from './prisma/registry.ts';
import { prismaSetupLinks } from './prisma/setup-links.ts';
import { prismaSigningKeys } from './prisma/signing-keys.ts';
import { closeSqliteFile, openSqliteFile } from './prisma/sqlite-file.ts';
import { sqliteArtifactRows } from './sqlite/artifact-rows.ts';
import { sqliteAttempts } from './sqlite/attempts.ts';
import { sqliteProgress } from './sqlite/progress.ts';
import { openStateFile } from './sqlite/state-file.ts';
import { sweepBatch } from './sqlite/sweep.ts';

export interface StoreOptions {
  issuer: string;
  folders: { data: string; keys: string };
  /** The longest that anything lives which carries the name of a session or grant. */
  longestLifetime: Seconds;
  clock: Clock;
}

export type Stores = Awaited<ReturnType<typeof openStores>>;

export function databaseFile(dataFolder: string): string {
  return path.join(dataFolder, 'gatewright.db');
}

/**
 * Opens the keyring and both databases, brings them up to date, and checks that they belong together.
 * @throws {OperatorProblem} with a sentence that says what to do
 */
export async function openStores({ issuer, folders, longestLifetime, clock }: StoreOptions) {
  const file = databaseFile(folders.data);
  const keyring: Keyring = openKeyring(folders.keys, { mayCreate: !existsSync(file) });
  const state = openStateFile(path.join(folders.data, 'state.db'));
  try {
    migrate({ file, clock });
  } catch (err) {
    state.close();
    throw err;
  }
  const database = openDatabase({ file });
  const reads = openSqliteFile({ file });
  const { prisma } = database;

  async function close(): Promise<void> {
    await database.close();
    closeSqliteFile(reads);
    if (state.isOpen) state.close();
  }

  try {
    await claimInstallation({ prisma, clock }, { issuer, keyringId: keyring.id });
  } catch (err) {
    await close();
    throw err;
  }

  const sealer = createSealer(keyring);
  return {
    keyring,
    accounts: prismaAccounts({ prisma, sealer, clock }),
    clients: prismaClients({ prisma, clock }),
    consents: prismaConsents({ prisma, clock }),
    signingKeys: prismaSigningKeys({ prisma, sealer, clock }),
    setupLinks: prismaSetupLinks({ prisma, sealer, clock }),
    audit: prismaAudit({ prisma, clock }),
    outbox: prismaOutbox({ prisma, clock }),
    registry: sqliteRegistry({ handle: reads, clock }),
    artifacts: createArtifacts({
      rows: sqliteArtifactRows(state),
      sealer,
      clock,
      markLifetime: toMilliseconds(longestLifetime + DAY),
    }),
    attempts: sqliteAttempts(state),
    progress: <T>(kind: string) => sqliteProgress<T>({ db: state, sealer, clock }, kind),
    /** @returns how many rows went, 0 when nothing is left */
    sweep: (before: Milliseconds) => sweepBatch(state, before),
    async isReady(): Promise<boolean> {
      try {
        await prisma.installation.count();
        return state.isOpen;
      } catch {
        return false;
      }
    },
    close,
  };
}
