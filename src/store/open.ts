import type { Clock } from '../lib/clock.ts';
import { DAY, type Milliseconds, type Seconds, toMilliseconds } from '../lib/duration.ts';
import { openKeyring } from '../lib/keyring.ts';
import { createSealer } from '../lib/sealing.ts';
import { createArtifacts } from './artifacts.ts';
import type { Engine } from './engine.ts';
import { MigrationProblem, NewerDatabase } from './migrations.ts';
import { placeOf } from './place.ts';
import { prismaAccounts } from './prisma/accounts.ts';
import { prismaActivity } from './prisma/activity.ts';
import { prismaApiKeys } from './prisma/api-keys.ts';
import { prismaAudit } from './prisma/audit.ts';
import { createAuditRow } from './prisma/audit-row.ts';
import { prismaAuditTrail } from './prisma/audit-trail.ts';
import { prismaClients } from './prisma/clients.ts';
import { prismaConsents } from './prisma/consents.ts';
import { prismaDeletion } from './prisma/deletion.ts';
import { prismaDeliveries } from './prisma/deliveries.ts';
import { prismaIncidents } from './prisma/incidents.ts';
import { claimInstallation, isClaimed } from './prisma/installation.ts';
import { prismaKnownBrowsers } from './prisma/known-browsers.ts';
import { openLastingKeys } from './prisma/lasting-keys.ts';
import { sweepLinks } from './prisma/link-rows.ts';
import { prismaListedAccounts } from './prisma/listed-accounts.ts';
import { prismaMailQueue } from './prisma/mail.ts';
import { prismaLinks } from './prisma/mailed-links.ts';
import { prismaNewcomers } from './prisma/newcomers.ts';
import { prismaOutbox } from './prisma/outbox.ts';
import { prismaPasskeys } from './prisma/passkeys.ts';
import { prismaRecoveries } from './prisma/recoveries.ts';
import { prismaRegistrationTokens } from './prisma/registration-tokens.ts';
import { prismaRegistrations } from './prisma/registrations.ts';
import { prismaRoles } from './prisma/roles.ts';
import { prismaSealedRows } from './prisma/sealed-rows.ts';
import { prismaSetupLinks } from './prisma/setup-links.ts';
import { prismaSigningKeys } from './prisma/signing-keys.ts';
import { createProgress } from './progress.ts';
import { createResealing } from './reseal.ts';

export interface StoreOptions {
  issuer: string;
  folders: { data: string; keys: string };
  /** Without a URL: SQLite files in the data folder. */
  database: { url: string | null; pool: number };
  /** Where flows that are under way are kept; null: in the database. */
  redis: { url: string; prefix: string } | null;
  /** The longest that anything lives which carries the name of a session or grant. */
  longestLifetime: Seconds;
}

export type Stores = Awaited<ReturnType<typeof openStores>>;

/**
 * Opens the database, brings it up to date, opens the keyring, and checks that they belong together.
 * @throws {OperatorProblem} with a sentence that says what to do
 */
export async function openStores({
  issuer,
  folders,
  database,
  redis,
  longestLifetime,
  clock: own,
}: StoreOptions & { clock: Clock }) {
  const engine = await openEngine({ folders, database, redis, clock: own });
  const { clock } = engine;
  const { prisma } = engine.database;
  try {
    const isNew = !(await isClaimed(prisma));
    const keyring = openKeyring(folders.keys, { mayCreate: isNew, clock });
    await claimInstallation({ database: engine.database, clock }, { issuer, keyringId: keyring.id });

    const sealer = createSealer(keyring);
    const lastingKeys = await openLastingKeys({ database: engine.database, keyring, sealer, clock, isNew });
    const auditRow = createAuditRow(sealer);
    const places = [...Object.values(prismaSealedRows(prisma)), engine.sealedArtifacts];
    const markLifetime = toMilliseconds(longestLifetime + DAY);
    return {
      migrated: engine.migrated,
      /** What is compared with a time that a store wrote goes by this clock as well. */
      clock,
      ...{ keyring, lastingKeys },
      resealing: createResealing({ places, keyring, sealer }),
      alone: (name: string, work: () => Promise<void>) => engine.alone(name, work),
      accounts: prismaAccounts({ prisma, sealer, clock, auditRow }),
      deletions: prismaDeletion({ database: engine.database, sealer, clock, auditRow }),
      clients: prismaClients({ prisma, clock, auditRow }),
      consents: prismaConsents({ database: engine.database, clock, auditRow }),
      signingKeys: prismaSigningKeys({ database: engine.database, sealer, clock, auditRow }),
      setupLinks: prismaSetupLinks({ database: engine.database, sealer, clock, auditRow }),
      audit: prismaAudit({ prisma, clock, auditRow }),
      auditTrail: prismaAuditTrail({ database: engine.database, sealer, key: lastingKeys.audit, clock }),
      activity: prismaActivity({ prisma, sealer }),
      outbox: prismaOutbox({ prisma, clock }),
      mails: prismaMailQueue(prisma),
      links: prismaLinks({ prisma, sealer, clock, auditRow }),
      deliveries: prismaDeliveries({ prisma, clock, auditRow }),
      incidents: prismaIncidents({ prisma, sealer, clock, auditRow }),
      newcomers: prismaNewcomers({ database: engine.database, sealer, key: lastingKeys.attempts, clock, auditRow }),
      registry: engine.registry,
      artifacts: createArtifacts({ rows: engine.artifactRows, sealer, clock, markLifetime }),
      attempts: engine.attempts,
      rates: engine.rates,
      passkeys: prismaPasskeys({ prisma, sealer, clock, auditRow }),
      knownBrowsers: prismaKnownBrowsers({ prisma, sealer, clock, auditRow }),
      apiKeys: prismaApiKeys({ prisma, clock, auditRow }),
      roles: prismaRoles({ prisma, clock, auditRow }),
      registrations: prismaRegistrations({ database: engine.database, clock, auditRow }),
      registrationTokens: prismaRegistrationTokens({ prisma, clock, auditRow }),
      listedAccounts: prismaListedAccounts({ prisma, clock, auditRow }),
      recoveries: prismaRecoveries({ prisma, sealer, clock, auditRow }),
      progress: <T>(kind: string) => createProgress<T>({ rows: engine.progressRows, sealer, clock }, kind),
      sweep: async (before: Milliseconds) =>
        (await engine.sweep(before)) + (await sweepLinks(prisma, Math.min(before, clock()))),
      pool: () => engine.pool?.() ?? null,
      check: (): Promise<string> => engine.check(),
      checkRedis: async () => {
        await engine.checkRedis?.();
        return 'ok';
      },
      migrationState: () => migrationState({ folders, database }),
      close() {
        keyring.close();
        return engine.close();
      },
    };
  } catch (err) {
    await engine.close();
    throw err;
  }
}

/** Whether the tables are still those of this program, which others may have changed since its start. */
async function migrationState(at: Pick<StoreOptions, 'folders' | 'database'>): Promise<'ok' | 'older' | 'unfit'> {
  try {
    return (await placeOf(at).pendingMigrations()).length === 0 ? 'ok' : 'older';
  } catch (err) {
    if (err instanceof NewerDatabase) return 'ok';
    if (err instanceof MigrationProblem) return 'unfit';
    throw err;
  }
}

/** Imported when asked for: an installation pays for no driver that it does not use. */
async function openEngine({
  folders,
  database,
  redis,
  clock,
}: Pick<StoreOptions, 'folders' | 'database' | 'redis'> & { clock: Clock }): Promise<Engine> {
  if (database.url === null) {
    const { openSqliteEngine } = await import('./sqlite/engine.ts');
    return openSqliteEngine({ folder: folders.data, clock });
  }
  const { openPostgresqlEngine } = await import('./postgresql/engine.ts');
  const engine = await openPostgresqlEngine({ url: database.url, poolSize: database.pool, clock });
  if (redis === null) return engine;
  try {
    const { withRedis } = await import('./redis/engine.ts');
    return await withRedis(engine, redis);
  } catch (err) {
    await engine.close();
    throw err;
  }
}
