import type { Role, RoleHolder } from '../../authorization/role.ts';
import type { RoleStore } from '../../authorization/store.ts';
import type { By } from '../../lib/by.ts';
import { applyChange, type ChangeDeps, NothingDone, orFalse } from './change.ts';
import { orConflict, orNothingDone } from './conflict.ts';
import type { PrismaClient, Transaction } from './database.ts';

export function prismaRoles({ prisma, clock, auditRow }: ChangeDeps): RoleStore {
  const deps = { prisma, clock, auditRow };

  /** A role and its event, where the row that the event speaks of is known only within the transaction. */
  function give(
    what: { event: 'role.granted' | 'role.revoked' },
    roleId: string,
    holder: RoleHolder,
    by: By,
    write: (tx: Transaction, at: Date) => Promise<{ count: number }>,
  ): Promise<boolean> {
    const change = prisma.$transaction(async (tx) => {
      const role = await tx.role.findUnique({ where: { id: roleId } });
      const at = new Date(clock());
      if (!role || (await write(tx, at)).count === 0) throw new NothingDone();
      const whose = holder.kind === 'account' ? { accountId: holder.id } : { accountId: null, service: holder.id };
      const event = { ...what, roleId, name: role.name, clientId: role.apiId, ...whose } as const;
      await tx.auditEvent.create({ data: auditRow(event, by, at) });
      return true;
    });
    return orFalse(change);
  }

  return {
    async find(apiId, name) {
      const row = await prisma.role.findUnique({ where: { apiId_name: { apiId, name } } });
      return row && toRole(row);
    },
    async list(apiId) {
      const rows = await prisma.role.findMany({
        ...(apiId !== undefined && { where: { apiId } }),
        orderBy: [{ apiId: 'asc' }, { name: 'asc' }],
      });
      return rows.map(toRole);
    },
    async heldBy({ kind, id }) {
      const where =
        kind === 'account' ? { accounts: { some: { accountId: id } } } : { clients: { some: { clientId: id } } };
      return (await prisma.role.findMany({ where, orderBy: [{ apiId: 'asc' }, { name: 'asc' }] })).map(toRole);
    },
    async holders(roleId) {
      const order = { where: { roleId }, orderBy: { createdAt: 'asc' } } as const;
      const accounts = await prisma.accountRole.findMany(order);
      const clients = await prisma.clientRole.findMany(order);
      return [
        ...accounts.map(({ accountId }): RoleHolder => ({ kind: 'account', id: accountId })),
        ...clients.map(({ clientId }): RoleHolder => ({ kind: 'client', id: clientId })),
      ];
    },
    async create({ permissions, ...role }, by) {
      const at = new Date(clock());
      const { id: roleId, apiId: clientId, name } = role;
      const write = prisma.$transaction(async (tx) => {
        const data = { ...role, permissions: JSON.stringify(permissions), createdAt: at, updatedAt: at };
        await tx.role.create({ data });
        await tx.auditEvent.create({ data: auditRow({ event: 'role.created', roleId, clientId, name }, by, at) });
      });
      await orConflict('name', write);
    },
    async update({ id, permissions, name, description, everyone }, by) {
      const before = await prisma.role.findUnique({ where: { id } });
      if (!before) return false;
      const data = { name, description, everyone, permissions: JSON.stringify(permissions) };
      const change = applyChange(deps, {
        write: (tx, stamp) => tx.role.updateMany({ where: { id }, data: { ...data, ...stamp } }),
        event: { event: 'role.updated', roleId: id, clientId: before.apiId, name },
        by,
      });
      return orConflict('name', change);
    },
    async delete(id, by) {
      const before = await prisma.role.findUnique({ where: { id } });
      if (!before) return false;
      return applyChange(deps, {
        write: (tx) => tx.role.deleteMany({ where: { id } }),
        event: { event: 'role.deleted', roleId: id, clientId: before.apiId, name: before.name },
        by,
      });
    },
    grant: (roleId, { kind, id }, by) =>
      give({ event: 'role.granted' }, roleId, { kind, id }, by, (tx, createdAt) =>
        orNothingDone(
          kind === 'account'
            ? tx.accountRole.create({ data: { roleId, accountId: id, createdAt } })
            : tx.clientRole.create({ data: { roleId, clientId: id, createdAt } }),
        ),
      ),
    async revoke(roleId, { kind, id }, by) {
      return give({ event: 'role.revoked' }, roleId, { kind, id }, by, (tx) =>
        kind === 'account'
          ? tx.accountRole.deleteMany({ where: { roleId, accountId: id } })
          : tx.clientRole.deleteMany({ where: { roleId, clientId: id } }),
      );
    },
  };
}

type RoleRow = NonNullable<Awaited<ReturnType<PrismaClient['role']['findUnique']>>>;

function toRole({ permissions, createdAt, updatedAt, ...row }: RoleRow): Role {
  return {
    ...row,
    permissions: JSON.parse(permissions) as string[],
    ...{ createdAt: createdAt.getTime(), updatedAt: updatedAt.getTime() },
  };
}
