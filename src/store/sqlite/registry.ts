import { type Client, readSettings } from '../../clients/client.ts';
import type { Clock } from '../../lib/clock.ts';
import {
  heldRole,
  type RegisteredClient,
  type Registry,
  type StoredApiKey,
  usableApiKey,
} from '../../oidc/registry.ts';
import type { SqliteHandle } from './sqlite-file.ts';

interface ClientRow {
  id: string;
  name: string;
  type: string;
  status: string;
  audience: string | null;
  settings: string;
  registeredBy: string | null;
  registrationTokenHash: string | null;
  notBefore: number;
  createdAt: number;
  updatedAt: number;
}

const USABLE_API_KEY = `SELECT k.id, k.clientId, k.apiId, a.audience, k.permissions, k.createdAt, k.expiresAt
  FROM ApiKey k JOIN Client c ON c.id = k.clientId JOIN Client a ON a.id = k.apiId
  WHERE k.revokedAt IS NULL AND (k.expiresAt IS NULL OR k.expiresAt > ?)
    AND c.status = 'active' AND a.status = 'active'`;

/**
 * Prepared statements on the tables that Prisma writes, since these reads happen several times in every request.
 * @param handle a connection of its own: on Prisma's it would see what an open transaction may yet roll back
 */
export function sqliteRegistry({ handle, clock }: { handle: SqliteHandle; clock: Clock }): Registry {
  const sql = {
    account: handle.prepare('SELECT status, notBefore FROM Account WHERE id = ?'),
    client: handle.prepare('SELECT * FROM Client WHERE id = ?'),
    api: handle.prepare('SELECT * FROM Client WHERE audience = ?'),
    secrets: handle.prepare(
      'SELECT secretHash FROM ClientSecret WHERE clientId = ? AND (expiresAt IS NULL OR expiresAt > ?)',
    ),
    accountRoles: handle.prepare(`SELECT name, permissions FROM Role WHERE apiId = ?
      AND (everyone OR id IN (SELECT roleId FROM AccountRole WHERE accountId = ?)) ORDER BY name`),
    clientRoles: handle.prepare(`SELECT name, permissions FROM Role WHERE apiId = ?
      AND id IN (SELECT roleId FROM ClientRole WHERE clientId = ?) ORDER BY name`),
    listed: handle.prepare('SELECT 1 FROM ClientAccount WHERE clientId = ? AND accountId = ?'),
    apiKeyByHash: handle.prepare(`${USABLE_API_KEY} AND k.keyHash = ?`),
    apiKeyById: handle.prepare(`${USABLE_API_KEY} AND k.id = ?`),
  };

  function registered(row: ClientRow | undefined): RegisteredClient | null {
    if (!row) return null;
    const { id, name, audience, registeredBy, notBefore, createdAt, updatedAt } = row;
    const secrets = sql.secrets.all(id, clock()) as { secretHash: string }[];
    return {
      ...{ id, name, audience, registeredBy, notBefore, createdAt, updatedAt },
      managesItself: row.registrationTokenHash !== null,
      type: row.type as Client['type'],
      status: row.status as Client['status'],
      settings: readSettings(row.type as Client['type'], row.settings),
      secretHashes: secrets.map(({ secretHash }) => secretHash),
    };
  }

  return {
    async account(id) {
      const row = sql.account.get(id) as { status: string; notBefore: number } | undefined;
      return row ? { active: row.status === 'active', notBefore: row.notBefore } : null;
    },
    client: async (id) => registered(sql.client.get(id) as ClientRow | undefined),
    api: async (audience) => registered(sql.api.get(audience) as ClientRow | undefined),
    async roles({ kind, id }, apiId) {
      const rows = sql[kind === 'account' ? 'accountRoles' : 'clientRoles'].all(apiId, id);
      return (rows as { name: string; permissions: string }[]).map(heldRole);
    },
    async apiKey(by, value) {
      const row = sql[by === 'id' ? 'apiKeyById' : 'apiKeyByHash'].get(clock(), value) as StoredApiKey | undefined;
      return row ? usableApiKey(row) : null;
    },
    isListed: async (clientId, accountId) => sql.listed.get(clientId, accountId) !== undefined,
  };
}
