import { keyIdOf } from '../../lib/sealing.ts';
import { SEALED_PAYLOAD } from '../../outbox/outbox.ts';
import type { SealedRow, SealedRows } from '../reseal.ts';
import { SEED } from './account-rows.ts';
import { PERSONAL } from './audit-row.ts';
import type { PrismaClient } from './database.ts';
import { LASTING_KEY } from './lasting-keys.ts';
import { LINK_DETAIL } from './link-rows.ts';
import { PRIVATE_KEY } from './signing-keys.ts';

/** How many rows are looked at in one go to count them. */
const COUNTED_AT_ONCE = 1_000;

interface Column {
  /** Table and column, as in the seal. */
  place: string;
  /** Up to so many rows by key, after one of them. */
  slice(after: string, take: number): Promise<[record: string, sealed: string][]>;
  replace(record: string, old: string, sealed: string): Promise<{ count: number }>;
}

/** Every `sealed…` column of the relational tables. Beside long-lived artifacts, all that is sealed for long. */
export function prismaSealedRows(prisma: PrismaClient): Record<string, SealedRows> {
  const columns: Column[] = [
    {
      place: SEED,
      async slice(after, take) {
        const orderBy = { id: 'asc' } as const;
        const rows = await prisma.totpCredential.findMany({ where: { id: { gt: after } }, orderBy, take });
        return rows.map(({ id, sealedSecret }) => [id, sealedSecret]);
      },
      replace: (id, old, sealedSecret) =>
        prisma.totpCredential.updateMany({ where: { id, sealedSecret: old }, data: { sealedSecret } }),
    },
    {
      place: PRIVATE_KEY,
      async slice(after, take) {
        const orderBy = { kid: 'asc' } as const;
        const rows = await prisma.signingKey.findMany({ where: { kid: { gt: after } }, orderBy, take });
        return rows.map(({ kid, sealedPrivateKey }) => [kid, sealedPrivateKey]);
      },
      replace: (kid, old, sealedPrivateKey) =>
        prisma.signingKey.updateMany({ where: { kid, sealedPrivateKey: old }, data: { sealedPrivateKey } }),
    },
    {
      place: LASTING_KEY,
      async slice(after, take) {
        const orderBy = { label: 'asc' } as const;
        const rows = await prisma.lastingKey.findMany({ where: { label: { gt: after } }, orderBy, take });
        return rows.map(({ label, sealedKey }) => [label, sealedKey]);
      },
      replace: (label, old, sealedKey) =>
        prisma.lastingKey.updateMany({ where: { label, sealedKey: old }, data: { sealedKey } }),
    },
    {
      place: SEALED_PAYLOAD,
      async slice(after, take) {
        const orderBy = { id: 'asc' } as const;
        const where = { id: { gt: after }, sealedPayload: { not: null } };
        const rows = await prisma.outboxMessage.findMany({ where, orderBy, take });
        return rows.map(({ id, sealedPayload }) => [id, sealedPayload ?? '']);
      },
      replace: (id, old, sealedPayload) =>
        prisma.outboxMessage.updateMany({ where: { id, sealedPayload: old }, data: { sealedPayload } }),
    },
    {
      place: LINK_DETAIL,
      async slice(after, take) {
        const where = { id: { gt: after }, sealedDetail: { not: null } };
        const rows = await prisma.mailedLink.findMany({ where, orderBy: { id: 'asc' }, take });
        return rows.map(({ id, sealedDetail }) => [id, sealedDetail as string]);
      },
      replace: (id, old, sealedDetail) =>
        prisma.mailedLink.updateMany({ where: { id, sealedDetail: old }, data: { sealedDetail } }),
    },
    {
      place: PERSONAL,
      async slice(after, take) {
        const where = { id: { gt: after }, sealedPersonal: { not: null } };
        const rows = await prisma.auditEvent.findMany({ where, orderBy: { id: 'asc' }, take });
        return rows.map(({ id, sealedPersonal }) => [id, sealedPersonal as string]);
      },
      replace: (id, old, sealedPersonal) =>
        prisma.auditEvent.updateMany({ where: { id, sealedPersonal: old }, data: { sealedPersonal } }),
    },
  ];
  return Object.fromEntries(columns.map((column) => [column.place, sealedRows(column)]));
}

function sealedRows(column: Column): SealedRows {
  const { place } = column;
  async function slice(after: SealedRow | null, limit: number): Promise<SealedRow[]> {
    const rows = await column.slice(after?.record ?? '', limit);
    return rows.map(([record, text]) => ({ place, record, sealed: Buffer.from(text, 'base64url') }));
  }
  const text = (sealed: Uint8Array) => Buffer.from(sealed).toString('base64url');

  return {
    slice,
    async count() {
      const counts = new Map<string, number>();
      let after: SealedRow | null = null;
      for (let full = true; full; ) {
        const rows: SealedRow[] = await slice(after, COUNTED_AT_ONCE);
        for (const { sealed } of rows) counts.set(keyIdOf(sealed), (counts.get(keyIdOf(sealed)) ?? 0) + 1);
        after = rows.at(-1) ?? null;
        full = rows.length === COUNTED_AT_ONCE;
      }
      return counts;
    },
    replace: async ({ record, sealed: old }, sealed) =>
      (await column.replace(record, text(old), text(sealed))).count === 1,
  };
}
