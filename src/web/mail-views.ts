import type { Milliseconds } from '../lib/duration.ts';
import { type MailData, openMailTemplates } from './mail-templates.ts';
import { type Language, pickLanguage, type TextParams, type Translate, textKeys, translator } from './texts.ts';

/** Every message there is; each has its texts, and a template of its own where the operator gives it one. */
export const MAIL_NAMES = [
  'passkey-added',
  'passkey-removed',
  'passkey-counter',
  'totp-added',
  'password-set',
  'factors-reset',
  'recovery-code-used',
  'account-disabled',
  'account-enabled',
  'password-reset',
  'password-change-required',
  'incident',
  'deletion-asked',
  'deletion-undone',
  'account-deleted',
  'sign-up',
  'sign-up-known',
  'invitation',
  'email-verification',
  'email-change',
  'email-change-asked',
  'email-changed',
  'email-new',
  'email-undone',
  'email-taken',
  'email-set',
  'totp-removed',
  'recovery-codes-replaced',
  'password-changed',
  'password-removed',
  'new-browser',
  'browser-trusted',
  'sign-in-locked',
  'account-locked',
  'account-recovery',
  'account-recovery-link',
  'account-recovered',
  'test',
] as const;
/** Their receivers have no account. */
const TO_NEWCOMERS: readonly string[] = ['sign-up', 'invitation'];
/** What the link of a message does, where it does not lock the account. */
const ACTIONS = new Set(textKeys('en').filter((key) => /^mail\..+\.action$/.test(key)));
/** A page of ours that a letter leads to without a one-time link. */
const PAGES: Partial<Record<(typeof MAIL_NAMES)[number], string>> = { 'sign-up-known': '/account' };
export interface MailViewsOptions {
  folder: string;
  overrideFolder?: string | undefined;
  siteName: string;
  issuer: string;
}

export interface MailView {
  name: string | null;
  locale: string | null;
  at: Milliseconds;
  about: {
    message: (typeof MAIL_NAMES)[number];
    left?: number;
    codesKept?: true;
    must?: string;
    from?: Milliseconds;
    passkeysRemoved?: number;
    until?: Milliseconds;
    mailed?: true;
    byOperator?: true;
    byLink?: true;
    /** Such as `Firefox on Linux`. */
    browser?: string | null;
    address?: string | null;
  };
  /** Of a one-time link. */
  token?: string;
}

/** Compiles every template once. @throws {OperatorProblem} when the operator's folder cannot be used */
export function createMailViews({ folder, overrideFolder, siteName, issuer }: MailViewsOptions) {
  const templates = openMailTemplates({ folder, overrideFolder, names: MAIL_NAMES });

  return ({ name, locale, at, about, token }: MailView) => {
    const language = pickLanguage({ uiLocales: locale ?? undefined });
    const t = translator(language);
    const { message } = about;
    const subject = t(`mail.${message}.subject`, { site: siteName });
    const action = `mail.${message}.action`;
    const page = token ? `/link/${token}` : PAGES[message];
    const calledBy = name === null ? null : nameToCall(name);
    const data: MailData = {
      ...{ message, language, subject, siteName, issuer },
      greeting: calledBy === null ? t('mail.greeting') : t('mail.greeting-name', { name: calledBy }),
      paragraphs: paragraphs(t, about, {
        ...{ site: siteName, issuer, when: instant(at, language) },
        ...(about.from !== undefined && { from: instant(about.from, language) }),
        ...(about.until !== undefined && { until: instant(about.until, language) }),
      }),
      action: page ? { label: t(ACTIONS.has(action) ? action : 'mail.lock'), href: `${issuer}${page}` } : null,
      footer: t(TO_NEWCOMERS.includes(message) ? 'mail.footer-newcomer' : 'mail.footer', { site: siteName }),
    };
    return {
      language,
      subject,
      text: templates.text.write(message, data, t),
      html: templates.html.write(message, data, t),
    };
  };
}

function paragraphs(t: Translate, about: MailView['about'], values: TextParams): string[] {
  const { message, left, must, passkeysRemoved = 0 } = about;
  const lines = [t(`mail.${message}.what${variant(about)}`, { ...values, ...whence(t, about) })];
  if (left !== undefined) lines.push(left === 0 ? t('mail.codes-none-left') : t('mail.codes-left', { n: left }));
  if (must !== undefined) lines.push(t(`mail.incident.must-${must}`, values));
  if (passkeysRemoved > 0) lines.push(t('mail.passkeys-removed', { n: passkeysRemoved }));
  return message === 'test' ? lines : [...lines, t(`mail.${message}.advice`, values)];
}

function variant({ codesKept, byOperator, byLink, mailed }: MailView['about']): string {
  if (mailed) return '-mailed';
  if (codesKept) return '-codes-kept';
  if (byOperator) return '-by-operator';
  return byLink ? '-by-link' : '';
}

/** Of a sign-in. An address is the server's own reading of one, and a browser one of a list: nobody wrote either. */
function whence(t: Translate, { browser = null, address = null }: MailView['about']) {
  const [family = '', system] = browser?.split(' on ') ?? [];
  const named = system ? t('account-sessions.device', { browser: family, system }) : family;
  return { browser: named || t('mail.unknown-browser'), address: address ?? t('mail.unknown-address') };
}

/** Null for what is no name: mail programs make links of what looks like one, and we send none but our own. */
function nameToCall(name: string): string | null {
  return /^[\p{L}\p{M}\p{Zs}'’.,-]{1,80}$/u.test(name) && !/\.\S/u.test(name) ? name.trim() || null : null;
}

function instant(at: Milliseconds, language: Language): string {
  const format = new Intl.DateTimeFormat(language, { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' });
  return `${format.format(at)} UTC`;
}
