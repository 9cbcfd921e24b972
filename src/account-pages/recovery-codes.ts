import { hasSecondFactor } from '../accounts/account.ts';
import type { RecoveryCodes } from '../accounts/recovery-codes.ts';
import type { AccountStore } from '../accounts/store.ts';
import { Refusal } from '../lib/errors.ts';
import type { Csrf } from '../web/csrf.ts';
import { type Pages, seeOther } from '../web/page.ts';
import { byVisitor } from '../web/request-log.ts';
import { frame, type Part } from './section.ts';

export interface RecoveryCodesDeps {
  accounts: AccountStore;
  recoveryCodes: RecoveryCodes;
  csrf: Csrf;
  pages: Pages;
}

export function createRecoveryCodesPages({ accounts, recoveryCodes, csrf, pages }: RecoveryCodesDeps): Part {
  return {
    sections: {
      'recovery-codes': {
        fresh: false,
        async show(ctx, session) {
          const { account } = session;
          const data = { left: await accounts.recoveryCodesLeft(account.id), guarded: hasSecondFactor(account) };
          pages.send(ctx, 'account-recovery-codes', { ...frame(csrf, session, 'recovery-codes'), ...data });
        },
      },
    },
    actions: {
      'recovery-codes/new': {
        ...{ fresh: true, on: 'recovery-codes' },
        async submit(ctx, session) {
          const { account } = session;
          // They stand in for a second factor: without one they would be a factor that nobody asked for.
          if (!hasSecondFactor(account)) return seeOther(ctx, '/account/recovery-codes');
          const { codes, hashes } = recoveryCodes.issue(account.id);
          const done = await accounts.replaceRecoveryCodes(account, hashes, byVisitor(ctx.state, account.id));
          if (!done) throw new Refusal('flow_expired', 409);
          // Shown with this answer alone: nothing keeps them for a second look.
          const shown = { ...frame(csrf, session, 'recovery-codes'), action: '/account/recovery-codes/kept', codes };
          pages.send(ctx, 'recovery-codes', shown);
        },
      },
      'recovery-codes/kept': {
        ...{ fresh: false, on: 'recovery-codes' },
        submit: async (ctx) => seeOther(ctx, '/account/recovery-codes'),
      },
    },
  };
}
