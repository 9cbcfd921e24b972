import type { Context } from 'koa';
import { isEmail, normalizeEmail } from '../accounts/account.ts';
import { confirmedEnrolment, describeEnrolment } from '../accounts/enrolment.ts';
import { minimumLength, type PasswordPolicy } from '../accounts/password-policy.ts';
import type { Passwords } from '../accounts/passwords.ts';
import type { RecoveryCodes } from '../accounts/recovery-codes.ts';
import type { AccountStore } from '../accounts/store.ts';
import type { Totp } from '../accounts/totp.ts';
import { isSecondFactorEnforced, type LevelPolicy } from '../assurance/demand.ts';
import { Conflict, Refusal } from '../lib/errors.ts';
import { sha256 } from '../lib/hash.ts';
import { newId } from '../lib/ids.ts';
import type { Attempts } from '../limits/attempts.ts';
import { type Pages, seeOther } from '../web/page.ts';
import { byVisitor, type RequestState } from '../web/request-log.ts';
import { tryLater } from '../web/try-later.ts';
import type { Problem } from '../web/view-data.ts';
import type { Visit } from '../web/visit-cookie.ts';
import type { SetupDraft, SetupDrafts } from './drafts.ts';
import type { SetupLinkStore } from './store.ts';

export interface SetupDeps {
  links: SetupLinkStore;
  drafts: SetupDrafts;
  accounts: AccountStore;
  passwords: Passwords;
  passwordPolicy: PasswordPolicy;
  totp: Totp;
  recoveryCodes: RecoveryCodes;
  attempts: Attempts;
  pages: Pages;
  siteName: string;
  levelPolicy: LevelPolicy;
  /** The administrator exists, and links lead nowhere any more. */
  onDone(): void;
}

export type Setup = ReturnType<typeof createSetup>;

export function createSetup(deps: SetupDeps) {
  const { links, drafts, accounts, passwords, passwordPolicy, totp, recoveryCodes, attempts, pages } = deps;
  const { siteName, levelPolicy, onDone } = deps;
  const minimum = minimumLength({ secondFactor: isSecondFactorEnforced(levelPolicy, 'administrator') });

  const isOpen = (token: string) => links.isOpen(sha256(token));

  function accountPage(ctx: Context, csrf: string, email = '', name = '', problem: Problem = null, status = 200): void {
    const data = { action: '/setup/account', csrf, email, name, problem, minLength: minimum };
    pages.send(ctx, 'setup-account', data, { status });
  }

  async function totpPage(ctx: Context, csrf: string, draft: SetupDraft, problem: Problem = null, status = 200) {
    const { email, secret } = draft;
    const data = {
      ...(await describeEnrolment(totp, siteName, email, secret)),
      ...{ action: '/setup/totp', csrf, cancelAction: null, accountEmail: email, issuerName: siteName, problem },
      reason: 'setup' as const,
    };
    pages.send(ctx, 'totp-enrolment', data, { status });
  }

  async function show(ctx: Context, visit: Visit, csrf: string): Promise<void> {
    const draft = await drafts.load(visit);
    if (draft?.value.recoveryCodes) {
      return pages.send(ctx, 'recovery-codes', {
        action: '/setup/recovery-codes',
        csrf,
        codes: draft.value.recoveryCodes,
      });
    }
    if (!(await isOpen(visit.token))) throw new Refusal('setup_link_spent', 410);
    if (!draft) return accountPage(ctx, csrf);

    if (drafts.isPending(draft.value)) return totpPage(ctx, csrf, draft.value);
    const renewed = { ...draft.value, ...drafts.newSeed() };
    if (!(await drafts.save(visit, renewed, draft.version))) return seeOther(ctx, '/setup');
    return totpPage(ctx, csrf, renewed);
  }

  async function submitAccount(ctx: Context, visit: Visit, csrf: string, form: URLSearchParams): Promise<void> {
    const before = await drafts.load(visit);
    if (before?.value.recoveryCodes) return seeOther(ctx, '/setup');
    const email = (form.get('email') ?? '').trim();
    const name = (form.get('name') ?? '').trim().slice(0, 200);
    const password = form.get('password') ?? '';
    const t = pages.texts(ctx);
    const answer = (problem: Problem, status: number) =>
      accountPage(ctx, csrf, email.slice(0, 254), name, problem, status);
    const refuse = (field: 'email' | 'password', text: string) => answer({ field, text }, 422);

    if (!isEmail(email)) return refuse('email', t(email === '' ? 'problem.email-missing' : 'problem.email-shape'));
    try {
      // Each try costs a hash or a look elsewhere, so it is counted.
      await attempts.address('setup', addressOf(ctx));
    } catch (err) {
      return answer(...tryLater(ctx, t, err));
    }
    const owner = { minimum, email, claims: { name } };
    const problem = await passwordPolicy.assess(password, owner, byVisitor(ctx.state, 'setup-link'));
    if (problem) return refuse('password', t(`problem.${problem.code}`, { n: problem.n }));
    if (await accounts.findByEmail(normalizeEmail(email))) return refuse('email', t('problem.email-taken'));

    const draft = {
      ...{ accountId: newId('acc'), email, name, passwordHash: await passwords.hash(password) },
      ...{ ...drafts.newSeed(), recoveryCodes: null },
    };
    // Where another tab was faster, the next page is its.
    await drafts.save(visit, draft, before?.version ?? 0);
    seeOther(ctx, '/setup');
  }

  async function submitTotp(ctx: Context, visit: Visit, csrf: string, form: URLSearchParams): Promise<void> {
    const draft = await drafts.load(visit);
    if (!draft || draft.value.recoveryCodes || !drafts.isPending(draft.value)) return seeOther(ctx, '/setup');
    const { accountId: id, email, name, passwordHash, secret } = draft.value;
    const t = pages.texts(ctx);
    let confirmedStep: number | null;
    try {
      const attempt = await attempts.address('enrolment', addressOf(ctx));
      confirmedStep = await totp.stepOf(secret, (form.get('code') ?? '').slice(0, 16));
      if (confirmedStep !== null) await attempt.succeeded();
    } catch (err) {
      return totpPage(ctx, csrf, draft.value, ...tryLater(ctx, t, err));
    }
    if (confirmedStep === null)
      return totpPage(ctx, csrf, draft.value, { field: 'code', text: t('problem.code') }, 422);

    const confirmed = confirmedEnrolment(recoveryCodes, id, { secret, confirmedStep });
    // The operator who opened this link stands for the address.
    const claims = name ? { name } : {};
    const account = { id, email, emailVerified: true, role: 'administrator', passwordHash, claims } as const;
    try {
      const done = await links.spend(sha256(visit.token), account, confirmed.totp, byVisitor(ctx.state, 'setup-link'));
      if (!done) throw new Refusal('setup_link_spent', 410);
    } catch (err) {
      // Somebody took the address since the first page asked for it.
      if (!(err instanceof Conflict)) throw err;
      return accountPage(ctx, csrf, email, name, { field: 'email', text: t('problem.email-taken') }, 422);
    }
    await drafts.keepCodes(visit, draft, confirmed.codes);
    onDone();
    seeOther(ctx, '/setup');
  }

  async function finish(ctx: Context, visit: Visit): Promise<boolean> {
    const draft = await drafts.load(visit);
    if (!draft?.value.recoveryCodes) throw new Refusal('setup_link_spent', 410);
    await drafts.save(visit, { ...draft.value, recoveryCodes: null }, draft.version);
    const register = [
      'npx gatewright client create --type web',
      '--name "My application"',
      '--redirect-uri http://localhost:4000/callback',
    ].join(' \\\n  ');
    pages.send(ctx, 'setup-done', { email: draft.value.email, nextCommands: [register] });
    return true;
  }

  return {
    isOpen,
    show,
    /** @returns whether the set-up is over */
    async submit(ctx: Context, visit: Visit, csrf: string, step: string, form: URLSearchParams): Promise<boolean> {
      if (step === 'recovery-codes') return finish(ctx, visit);
      if (!(await isOpen(visit.token))) throw new Refusal('setup_link_spent', 410);
      if (step === 'account') await submitAccount(ctx, visit, csrf, form);
      else if (step === 'totp') await submitTotp(ctx, visit, csrf, form);
      else throw new Refusal('not_found', 404);
      return false;
    },
  };
}

function addressOf(ctx: Context): string {
  return (ctx.state as RequestState).address;
}
