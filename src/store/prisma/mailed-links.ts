import type { LinkLetter, LinkStore } from '../../links/store.ts';
import type { Message } from '../../mail/message.ts';
import { holdAccount } from './account-rows.ts';
import { prismaAddressLinks } from './address-links.ts';
import { askedRow, openAsked } from './asked-row.ts';
import type { SealedChangeDeps } from './change.ts';
import { linkIn } from './link-rows.ts';
import { queueLetter } from './mail.ts';

/** What carries a link that somebody asked for by an address. */
const LETTERS: Record<LinkLetter['purpose'], Message> = {
  'password-reset': { message: 'password-reset' },
  'sign-in-unlock': { message: 'sign-in-locked' },
};

export function prismaLinks({ prisma, sealer, clock, auditRow }: SealedChangeDeps): LinkStore {
  return {
    ...prismaAddressLinks({ prisma, sealer, clock, auditRow }),
    async ask(asked) {
      await prisma.outboxMessage.create({ data: askedRow(sealer, asked, new Date(clock())) });
    },
    asked: (jobId, sealed) => openAsked(sealer, jobId, sealed),
    send: (accountId, { purpose, by, language }) =>
      prisma.$transaction(async (tx) => {
        const at = new Date(clock());
        // Of two letters that are made at once, one link ends the other.
        if (!(await holdAccount(tx, accountId))) return false;
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
