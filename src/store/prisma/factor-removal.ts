import type { By } from '../../lib/by.ts';
import { endingOf, lackingFactors } from './account-rows.ts';
import { applyChange, NothingDone, orFalse, type SealedChangeDeps } from './change.ts';
import type { Transaction } from './database.ts';
import { demandAfterLast } from './lost-factors.ts';
import { createNotice } from './notice.ts';

/** What an operator takes from an account: every session ends, and where it was the last, another one is demanded. */
interface Removal {
  event: 'passkey.removed' | 'totp.removed';
  message: 'passkey-removed' | 'totp-removed';
  /** False where the account has no such credential. */
  remove: (tx: Transaction, accountId: string, id: string) => Promise<boolean>;
}

export function removeFactor(deps: SealedChangeDeps, { event, message, remove }: Removal) {
  const notice = createNotice(deps.sealer);

  return (accountId: string, id: string, by: By): Promise<boolean> =>
    orFalse(
      applyChange(deps, {
        write: (tx, stamp) =>
          tx.account.updateMany({ where: { id: accountId }, data: { ...lackingFactors(stamp.updatedAt), ...stamp } }),
        ...{ event: { event, accountId, credentialId: id }, by, ending: endingOf(accountId) },
        async also(tx, at) {
          await demandAfterLast(tx, accountId, at);
          if (!(await remove(tx, accountId, id))) throw new NothingDone();
          await notice(accountId, { message, byOperator: true })(tx, at);
        },
      }),
    );
}
