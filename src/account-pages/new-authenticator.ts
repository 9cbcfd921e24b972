import type { Context } from 'koa';
import { hasSecondFactor } from '../accounts/account.ts';
import { confirmedEnrolment, describeEnrolment } from '../accounts/enrolment.ts';
import type { RecoveryCodes } from '../accounts/recovery-codes.ts';
import type { AccountStore } from '../accounts/store.ts';
import type { Totp } from '../accounts/totp.ts';
import type { Clock } from '../lib/clock.ts';
import { MINUTE, type Milliseconds, toMilliseconds } from '../lib/duration.ts';
import { Refusal } from '../lib/errors.ts';
import type { ProgressStore, Versioned } from '../lib/progress.ts';
import type { Attempts } from '../limits/attempts.ts';
import type { Csrf } from '../web/csrf.ts';
import { type Pages, seeOther } from '../web/page.ts';
import { byVisitor, type RequestState } from '../web/request-log.ts';
import { tryLater } from '../web/try-later.ts';
import type { Problem } from '../web/view-data.ts';
import type { OwnSession } from './own-session.ts';
import { frame, type Part } from './section.ts';

/** A seed that nobody confirmed by then is forgotten. */
const PENDING_LIFETIME = toMilliseconds(10 * MINUTE);

/** A seed that waits for its first code; made by us, never part of a form. */
export interface PendingAuthenticator {
  secret: string;
  /** What the account's factors were when it began. */
  factorsVersion: number;
  expiresAt: Milliseconds;
}

export interface NewAuthenticatorDeps {
  accounts: AccountStore;
  totp: Totp;
  recoveryCodes: RecoveryCodes;
  /** Per session. */
  pending: ProgressStore<PendingAuthenticator>;
  attempts: Attempts;
  csrf: Csrf;
  pages: Pages;
  siteName: string;
  clock: Clock;
}

/** The factor that is there was asked for a moment ago: that is what `fresh` means. */
export function createNewAuthenticator(deps: NewAuthenticatorDeps): Part {
  const { accounts, totp, recoveryCodes, pending, attempts, csrf, pages, siteName, clock } = deps;
  const path = '/account/authenticators/new';

  const stands = (known: Versioned<PendingAuthenticator> | null, { account }: OwnSession) =>
    known !== null && known.value.expiresAt > clock() && known.value.factorsVersion === account.factorsVersion;

  async function page(ctx: Context, session: OwnSession, secret: string, problem: Problem = null, status = 200) {
    const { email } = session.account;
    const data = {
      ...frame(csrf, session, 'authenticators'),
      ...(await describeEnrolment(totp, siteName, email, secret)),
      ...{ action: path, cancelAction: null, issuerName: siteName, reason: 'chosen' as const, problem },
      backHref: '/account/authenticators',
    };
    pages.send(ctx, 'totp-enrolment', data, { status });
  }

  return {
    sections: {
      'authenticators/new': {
        fresh: true,
        async show(ctx, session) {
          const known = await pending.load(session.uid);
          if (known && stands(known, session)) return page(ctx, session, known.value.secret);
          const { factorsVersion } = session.account;
          const made = { secret: totp.newSecret(), factorsVersion, expiresAt: clock() + PENDING_LIFETIME };
          // Of two tabs, one makes the seed and the other shows it.
          const done = await pending.save(session.uid, made, known?.version ?? 0, made.expiresAt);
          return done ? page(ctx, session, made.secret) : seeOther(ctx, path);
        },
      },
    },
    actions: {
      'authenticators/new': {
        ...{ fresh: true, on: 'authenticators/new' },
        async submit(ctx, session, form) {
          const { account } = session;
          const known = await pending.load(session.uid);
          if (!known || !stands(known, session)) return seeOther(ctx, path);
          const { secret, factorsVersion } = known.value;
          const t = pages.texts(ctx);
          let confirmedStep: number;
          try {
            const attempt = await attempts.address('enrolment', (ctx.state as RequestState).address);
            const step = await totp.stepOf(secret, (form.get('code') ?? '').slice(0, 16));
            if (step === null) {
              return page(ctx, session, secret, { field: 'code', text: t('problem.code') }, 422);
            }
            await attempt.succeeded();
            confirmedStep = step;
          } catch (err) {
            return page(ctx, session, secret, ...tryLater(ctx, t, err));
          }
          const { totp: added, codes } = confirmedEnrolment(recoveryCodes, account.id, { secret, confirmedStep });
          // Codes go with the account's first second factor; who has one has kept the list.
          const hasCodes = hasSecondFactor(account);
          const kept = hasCodes ? { ...added, recoveryCodeHashes: null } : added;
          const by = byVisitor(ctx.state, account.id);
          if (!(await accounts.enrolTotp(account.id, factorsVersion, kept, by))) {
            throw new Refusal('enrolment_expired', 409);
          }
          if (hasCodes) return seeOther(ctx, '/account/authenticators');
          const shown = { ...frame(csrf, session, 'recovery-codes'), action: '/account/recovery-codes/kept', codes };
          pages.send(ctx, 'recovery-codes', shown);
        },
      },
    },
  };
}
