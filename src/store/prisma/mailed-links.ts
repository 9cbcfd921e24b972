import type { Clock } from '../../lib/clock.ts';
import { newId } from '../../lib/ids.ts';
import type { Sealer } from '../../lib/sealing.ts';
import type { Asked, AskedPurpose, LinkStore } from '../../links/store.ts';
import type { Message } from '../../mail/message.ts';
import { SEALED_PAYLOAD } from '../../outbox/outbox.ts';
import type { AuditRow } from './audit-row.ts';
import type { PrismaClient } from './database.ts';
import { linkIn } from './link-rows.ts';
import { queueLetter } from './mail.ts';

/** What carries a link that somebody asked for by an address. */
const LETTERS: Record<AskedPurpose, Message> = {
  'password-reset': { message: 'password-reset' },
  'sign-in-unlock': { message: 'sign-in-locked' },
};

export function prismaLinks({
  prisma,
  sealer,
  clock,
  auditRow,
}: {
  prisma: PrismaClient;
  sealer: Sealer;
  clock: Clock;
  auditRow: AuditRow;
}): LinkStore {
  return {
    async ask(asked) {
      const [id, at] = [newId('msg'), new Date(clock())];
      const sealed = sealer.seal(SEALED_PAYLOAD, id, JSON.stringify(asked)).toString('base64url');
      await prisma.outboxMessage.create({
        data: {
          ...{ id, kind: 'link-asked', payload: '{}', sealedPayload: sealed },
          ...{ createdAt: at, dueAt: at, attempts: 0 },
        },
      });
    },
    asked: (jobId, sealed) =>
      JSON.parse(sealer.unseal(SEALED_PAYLOAD, jobId, Buffer.from(sealed, 'base64url'))) as Asked,
    send: (accountId, { purpose, by, language }) =>
      prisma.$transaction(async (tx) => {
        const at = new Date(clock());
        // Changes nothing, but holds the row: of two letters that are made at once, one link ends the other.
        const { count } = await tx.account.updateMany({
          where: { id: accountId, status: 'active' },
          data: { status: 'active' },
        });
        if (count === 0) return false;
        await queueLetter(tx, sealer, accountId, LETTERS[purpose], at, { purpose, language });
        await tx.auditEvent.create({ data: auditRow({ event: 'link.sent', accountId, purpose }, by, at) });
        return true;
      }),
    async open(tokenHash) {
      const where = { tokenHash, spentAt: null, expiresAt: { gt: new Date(clock()) } };
      const row = await prisma.mailedLink.findFirst({ where });
      return row && linkIn(sealer, row);
    },
  };
}
