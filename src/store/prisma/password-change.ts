import type { AccountStore } from '../../accounts/store.ts';
import { endingOf, forgetBrowsers } from './account-rows.ts';
import { applyChange, type SealedChangeDeps } from './change.ts';
import { voidLinks } from './link-rows.ts';
import { queueLetter } from './mail.ts';

type PasswordChange = Pick<AccountStore, 'requirePasswordChange' | 'passwordsToKeep'>;

/** Without a password there is none to change; where one is required already, everything older has ended already. */
const KEEPS_ITS_PASSWORD = { passwordHash: { not: null }, mustChangePassword: false } as const;

/** Passwords that their owners have to replace before they go on. */
export function prismaPasswordChange({ sealer, ...deps }: SealedChangeDeps): PasswordChange {
  return {
    requirePasswordChange: (id, by) =>
      applyChange(deps, {
        write: (tx, stamp) =>
          tx.account.updateMany({
            where: { id, ...KEEPS_ITS_PASSWORD },
            // A factor that somebody is about to add with the password that is given up is not added.
            data: { mustChangePassword: true, factorsVersion: { increment: 1 }, ...stamp },
          }),
        ...{ event: { event: 'account.password_change_required', accountId: id }, by, ending: endingOf(id) },
        async also(tx, at) {
          await forgetBrowsers(id)(tx);
          // Whoever holds one from before would choose the new password.
          await voidLinks(tx, id, ['password-reset']);
          await queueLetter(tx, sealer, id, { message: 'password-change-required' }, at);
        },
      }),
    async passwordsToKeep() {
      const select = { id: true } as const;
      const rows = await deps.prisma.account.findMany({
        ...{ where: KEEPS_ITS_PASSWORD, orderBy: { createdAt: 'asc' }, select },
      });
      return rows.map(({ id }) => id);
    },
  };
}
