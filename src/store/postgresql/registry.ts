import type { Pool } from 'pg';
import { readSettings } from '../../clients/client.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Milliseconds } from '../../lib/duration.ts';
import {
  heldRole,
  type RegisteredClient,
  type Registry,
  type StoredApiKey,
  usableApiKey,
} from '../../oidc/registry.ts';
import { prepare } from './prepare.ts';

type ClientRow = Omit<RegisteredClient, 'settings'> & { settings: string };

interface RoleRow {
  name: string;
  permissions: string;
}

/** Prisma writes timestamps without a time zone, in UTC. */
const milliseconds = (column: string) => `(extract(epoch FROM "${column}") * 1000)::bigint`;

const CLIENT = `SELECT id, name, type, status, audience, settings, "registeredBy",
    "registrationTokenHash" IS NOT NULL AS "managesItself", ${milliseconds('notBefore')} AS "notBefore",
    ${milliseconds('createdAt')} AS "createdAt", ${milliseconds('updatedAt')} AS "updatedAt",
    ARRAY(SELECT "secretHash" FROM "ClientSecret"
      WHERE "clientId" = "Client".id AND ("expiresAt" IS NULL OR ${milliseconds('expiresAt')} > $2)) AS "secretHashes"
  FROM "Client"`;

const USABLE_API_KEY = `SELECT k.id, k."clientId", k."apiId", a.audience, k.permissions,
    (extract(epoch FROM k."createdAt") * 1000)::bigint AS "createdAt",
    (extract(epoch FROM k."expiresAt") * 1000)::bigint AS "expiresAt"
  FROM "ApiKey" k JOIN "Client" c ON c.id = k."clientId" JOIN "Client" a ON a.id = k."apiId"
  WHERE k."revokedAt" IS NULL AND (k."expiresAt" IS NULL OR extract(epoch FROM k."expiresAt") * 1000 > $1)
    AND c.status = 'active' AND a.status = 'active'`;

/** Prepared statements on the tables that Prisma writes, since these reads happen several times in every request. */
export function postgresqlRegistry({ pool, clock }: { pool: Pool; clock: Clock }): Registry {
  const sql = {
    account: prepare<{ active: boolean; notBefore: Milliseconds }>(
      pool,
      'registry.account',
      `SELECT status = 'active' AS active, ${milliseconds('notBefore')} AS "notBefore" FROM "Account" WHERE id = $1`,
    ),
    client: prepare<ClientRow>(pool, 'registry.client', `${CLIENT} WHERE id = $1`),
    api: prepare<ClientRow>(pool, 'registry.api', `${CLIENT} WHERE audience = $1`),
    accountRoles: prepare<RoleRow>(
      ...[pool, 'registry.account-roles'],
      `SELECT name, permissions FROM "Role" WHERE "apiId" = $1
        AND (everyone OR id IN (SELECT "roleId" FROM "AccountRole" WHERE "accountId" = $2)) ORDER BY name`,
    ),
    clientRoles: prepare<RoleRow>(
      ...[pool, 'registry.client-roles'],
      `SELECT name, permissions FROM "Role" WHERE "apiId" = $1
        AND id IN (SELECT "roleId" FROM "ClientRole" WHERE "clientId" = $2) ORDER BY name`,
    ),
    listed: prepare(
      ...[pool, 'registry.listed'],
      'SELECT 1 FROM "ClientAccount" WHERE "clientId" = $1 AND "accountId" = $2',
    ),
    apiKeyByHash: prepare<StoredApiKey>(pool, 'registry.api-key-by-hash', `${USABLE_API_KEY} AND k."keyHash" = $2`),
    apiKeyById: prepare<StoredApiKey>(pool, 'registry.api-key-by-id', `${USABLE_API_KEY} AND k.id = $2`),
  };

  async function registered(by: 'client' | 'api', key: string): Promise<RegisteredClient | null> {
    if (!canBeStored(key)) return null;
    const row = (await sql[by](key, clock())).rows[0];
    return row ? { ...row, settings: readSettings(row.type, row.settings) } : null;
  }

  return {
    async account(id) {
      return canBeStored(id) ? ((await sql.account(id)).rows[0] ?? null) : null;
    },
    client: (id) => registered('client', id),
    api: (audience) => registered('api', audience),
    async roles({ kind, id }, apiId) {
      const rows = (await sql[kind === 'account' ? 'accountRoles' : 'clientRoles'](apiId, id)).rows;
      return rows.map(heldRole);
    },
    async apiKey(by, value) {
      if (!canBeStored(value)) return null;
      const row = (await sql[by === 'id' ? 'apiKeyById' : 'apiKeyByHash'](clock(), value)).rows[0];
      return row ? usableApiKey(row) : null;
    },
    isListed: async (clientId, accountId) => (await sql.listed(clientId, accountId)).rows.length > 0,
  };
}

/** Whoever asks chooses these names, and PostgreSQL refuses to look for a text with NUL in it. */
function canBeStored(text: string): boolean {
  return !text.includes('\0');
}
