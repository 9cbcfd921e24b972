import { normalizeEmail } from '../../accounts/account.ts';
import type { AddressLinks, Asker } from '../../links/address.ts';
import { askedRow } from './asked-row.ts';
import type { SealedChangeDeps } from './change.ts';
import type { Transaction } from './database.ts';
import { voidLinks } from './link-rows.ts';
import { queueLetter } from './mail.ts';

/** Changes nothing, but holds the row: what is decided here is not overtaken by a change of the account. */
async function hold(tx: Transaction, { accountId, from, factorsVersion, notBefore }: Asker): Promise<boolean> {
  const { count } = await tx.account.updateMany({
    where: askerWhere({ accountId, from, factorsVersion, notBefore }),
    data: { status: 'active' },
  });
  return count === 1;
}

/** The account, if it is as it was when its owner asked. */
export function askerWhere({ accountId, from, factorsVersion, notBefore }: Asker) {
  const asked = { factorsVersion, notBefore: new Date(notBefore) };
  return { id: accountId, emailNormalized: from, status: 'active', ...asked };
}

export function prismaAddressLinks({ prisma, sealer, clock, auditRow }: SealedChangeDeps): AddressLinks {
  return {
    sendProof: (accountId, { language, by }) =>
      prisma.$transaction(async (tx) => {
        const at = new Date(clock());
        const { count } = await tx.account.updateMany({
          where: { id: accountId, status: 'active' },
          data: { status: 'active' },
        });
        if (count === 0) return false;
        const purpose = 'email-verification';
        const { email } = await tx.account.findUniqueOrThrow({ where: { id: accountId } });
        await queueLetter(tx, sealer, accountId, { message: purpose }, at, { purpose, language, detail: { email } });
        await tx.auditEvent.create({ data: auditRow({ event: 'link.sent', accountId, purpose }, by, at) });
        return true;
      }),
    askChange: (change, { language, by }) =>
      prisma.$transaction(async (tx) => {
        const { accountId, to } = change;
        if (!(await hold(tx, change))) return false;
        const at = new Date(clock());
        const { email } = await tx.account.findUniqueOrThrow({ where: { id: accountId } });
        const undo = { purpose: 'email-undo', language, detail: { email } } as const;
        await queueLetter(tx, sealer, accountId, { message: 'email-change-asked' }, at, undo);
        const asked = { purpose: 'email-change', email: normalizeEmail(to), language, by, change } as const;
        await tx.outboxMessage.create({ data: askedRow(sealer, asked, at) });
        await tx.auditEvent.create({ data: auditRow({ event: 'email.change_asked', accountId }, by, at) });
        return true;
      }),
    offerChange: ({ accountId, to, ...asker }, { language }) =>
      prisma.$transaction(async (tx) => {
        if (!(await hold(tx, { accountId, ...asker }))) return false;
        const [at, purpose] = [new Date(clock()), 'email-change' as const];
        const { from, factorsVersion, notBefore } = asker;
        const detail = { email: to, from, factorsVersion: String(factorsVersion), notBefore: String(notBefore) };
        // No event: people see those of their account, and whoever asked would learn that nobody has the address.
        await queueLetter(tx, sealer, { accountId, to }, { message: purpose }, at, { purpose, language, detail });
        return true;
      }),
    tellTaken: (ownerId, change) =>
      prisma.$transaction(async (tx) => {
        if (!(await hold(tx, change))) return;
        // As an offer would: that the link to an address of theirs still opens would tell whoever asked.
        await voidLinks(tx, change.accountId, ['email-change']);
        const isActive = (await tx.account.count({ where: { id: ownerId, status: 'active' } })) === 1;
        if (isActive) await queueLetter(tx, sealer, ownerId, { message: 'email-taken' }, new Date(clock()));
      }),
  };
}
