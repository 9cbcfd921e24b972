import type { AccountStore } from '../../accounts/store.ts';
import { insertAccount, insertPasskey } from './account-rows.ts';
import { type ChangeDeps, NothingDone, orFalse } from './change.ts';
import { orConflict } from './conflict.ts';
import { spendLink } from './link-rows.ts';

/** What a mailed link lets somebody do who has no account. */
export function prismaNewcomerAccounts({ prisma, clock, auditRow }: ChangeDeps): Pick<AccountStore, 'createByLink'> {
  return {
    createByLink(account, { purpose, tokenHash }, by, passkey) {
      const { id: accountId } = account;
      const made = prisma.$transaction(async (tx) => {
        const at = new Date(clock());
        // Of two links for one address, the second waits here until the first is done, and finds the address taken.
        await insertAccount({ tx, auditRow }, account, by, at);
        if (!(await spendLink(tx, { purpose, tokenHash, accountId: null }, at))) throw new NothingDone();
        const { id, emailHash } = await tx.mailedLink.findUniqueOrThrow({ where: { tokenHash } });
        await tx.mailedLink.deleteMany({ where: { accountId: null, emailHash, spentAt: null } });
        // What it said of the newcomer is the account's by now, and goes with it.
        await tx.mailedLink.update({ where: { id }, data: { accountId, emailHash: null, sealedDetail: null } });
        if (passkey) {
          await orConflict('passkey', insertPasskey(tx, accountId, passkey, at));
          const enrolled = { event: 'passkey.enrolled', accountId, credentialId: passkey.id } as const;
          await tx.auditEvent.create({ data: auditRow(enrolled, by, at) });
        }
        const event =
          purpose === 'sign-up'
            ? ({ event: 'sign_up.done', accountId } as const)
            : ({ event: 'invitation.used', accountId, invitationId: id } as const);
        await tx.auditEvent.create({ data: auditRow(event, by, at) });
        return true;
      });
      return orFalse(orConflict('email', made));
    },
  };
}
