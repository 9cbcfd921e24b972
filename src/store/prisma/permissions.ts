import type { PermissionUse } from '../../clients/store.ts';
import type { By } from '../../lib/by.ts';
import type { AuditRow } from './audit-row.ts';
import type { PrismaClient, Transaction } from './database.ts';

/** Roles and API keys have permissions of an API in a column each. */
export async function permissionUses(prisma: PrismaClient, apiId: string): Promise<PermissionUse[]> {
  const find = { where: { apiId }, select: { name: true, permissions: true }, orderBy: { name: 'asc' } } as const;
  const uses = (by: PermissionUse['by'], rows: { name: string; permissions: string }[]) =>
    rows.map(({ name, permissions }): PermissionUse => ({ by, name, permissions: namesIn(permissions) }));
  return [
    ...uses('role', await prisma.role.findMany(find)),
    ...uses('API key', await prisma.apiKey.findMany({ ...find, where: { apiId, revokedAt: null } })),
  ];
}

/** Whoever adds the permission again one day must not give it back to those who had it once. */
export async function keepPermissions(
  tx: Transaction,
  { id: apiId, kept, by, auditRow }: { id: string; kept: string[]; by: By; auditRow: AuditRow },
  at: Date,
): Promise<void> {
  const left = ({ permissions }: { permissions: string }) => namesIn(permissions).filter((one) => kept.includes(one));
  const loses = (row: { permissions: string }) => left(row).length < namesIn(row.permissions).length;
  for (const role of (await tx.role.findMany({ where: { apiId } })).filter(loses)) {
    const data = { permissions: JSON.stringify(left(role)), updatedAt: at };
    await tx.role.update({ where: { id: role.id }, data });
    const event = { event: 'role.updated', roleId: role.id, clientId: apiId, name: role.name } as const;
    await tx.auditEvent.create({ data: auditRow(event, by, at) });
  }
  for (const key of (await tx.apiKey.findMany({ where: { apiId } })).filter(loses)) {
    await tx.apiKey.update({ where: { id: key.id }, data: { permissions: JSON.stringify(left(key)) } });
  }
}

function namesIn(permissions: string): string[] {
  return JSON.parse(permissions) as string[];
}
