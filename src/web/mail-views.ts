import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Eta } from 'eta';
import type { Milliseconds } from '../lib/duration.ts';
import { OperatorProblem } from '../lib/errors.ts';
import { isInside } from './assets.ts';
import { type Language, pickLanguage, type TextParams, type Translate, textKeys, translator } from './texts.ts';

/** Every message there is; each has its texts, and a template of its own where the operator gives it one. */
export const MAIL_NAMES = [
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
  'new-browser',
  'sign-in-locked',
  'account-locked',
  'test',
] as const;
/** The template of every message that has none of its own. */
const COMMON = 'notice';
/** Their receivers have no account. */
const TO_NEWCOMERS: readonly string[] = ['sign-up', 'invitation'];
/** What the link of a message does, where it does not lock the account. */
const ACTIONS = new Set(textKeys('en').filter((key) => /^mail\..+\.action$/.test(key)));
/** A page of ours that a letter leads to without a one-time link. */
const PAGES: Partial<Record<(typeof MAIL_NAMES)[number], string>> = { 'sign-up-known': '/account' };
const FORMS = ['html', 'text'] as const;

type Form = (typeof FORMS)[number];

export interface MailViewsOptions {
  folder: string;
  overrideFolder?: string | undefined;
  siteName: string;
  issuer: string;
}

/** What a template is given, all of it plain text. */
export interface MailData {
  message: string;
  language: Language;
  subject: string;
  greeting: string;
  paragraphs: string[];
  /** The one-time link or a page of ours, after the first paragraph; null: there is none. */
  action: { label: string; href: string } | null;
  /** Why this came, and that nobody reads answers. */
  footer: string;
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
    until?: Milliseconds;
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
  const roots = [overrideFolder, folder].filter((root) => root !== undefined).map((root) => join(root, 'mails'));
  const forms = load(roots, overrideFolder);

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
        ...(about.until !== undefined && { until: instant(about.until, language) }),
      }),
      action: page ? { label: t(ACTIONS.has(action) ? action : 'mail.lock'), href: `${issuer}${page}` } : null,
      footer: t(TO_NEWCOMERS.includes(message) ? 'mail.footer-newcomer' : 'mail.footer', { site: siteName }),
    };
    return { language, subject, text: forms.text.write(message, data, t), html: forms.html.write(message, data, t) };
  };
}

function paragraphs(t: Translate, about: MailView['about'], values: TextParams): string[] {
  const { message, left, must } = about;
  const lines = [t(`mail.${message}.what${variant(about)}`, { ...values, ...whence(t, about) })];
  if (left !== undefined) lines.push(left === 0 ? t('mail.codes-none-left') : t('mail.codes-left', { n: left }));
  if (must !== undefined) lines.push(t(`mail.incident.must-${must}`, values));
  return message === 'test' ? lines : [...lines, t(`mail.${message}.advice`, values)];
}

function variant({ codesKept, byOperator, byLink }: MailView['about']): string {
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

function load(roots: string[], overrideFolder: string | undefined): Record<Form, MailTemplates> {
  try {
    const forms = { html: new MailTemplates('html', roots), text: new MailTemplates('text', roots) };
    for (const root of roots) checkNames(root);
    for (const form of FORMS) forms[form].check();
    return forms;
  } catch (err) {
    if (!overrideFolder) throw err;
    const reason = (err as Error).message.split(/\n=+\n/)[0]?.replaceAll(/\s*\n\s*/g, ': ');
    throw new OperatorProblem(`VIEWS_DIR ${overrideFolder} cannot be used: ${reason}`, { cause: err });
  }
}

function checkNames(root: string): void {
  const known = [COMMON, ...MAIL_NAMES].flatMap((name) => FORMS.map((form) => `${name}.${form}.eta`));
  const stray = existsSync(root) ? readdirSync(root).filter((file) => !known.includes(file)) : [];
  if (stray.length > 0) throw new Error(`${root}: there is no mail that ${stray.join(', ')} replaces`);
}

class MailTemplates extends Eta {
  readonly #form: Form;
  readonly #roots: string[];

  constructor(form: Form, roots: string[]) {
    super({
      cache: true,
      // Plain text has nothing to escape: & is written &.
      autoEscape: form === 'html',
      autoTrim: [false, 'nl'],
      functionHeader: 'const { t } = it;',
    });
    this.#form = form;
    this.#roots = roots;
  }

  override resolvePath = (name: string): string => {
    const named = (each: string) =>
      this.#roots.map((root) => ({ root, path: join(root, `${each}.${this.#form}.eta`) }));
    const found = [...named(name), ...named(COMMON)].find(({ path }) => existsSync(path));
    if (!found) throw new Error(`there is no template ${COMMON}.${this.#form}.eta`);
    if (!isInside(found.root, found.path)) throw new Error(`${found.path} leads out of ${found.root}`);
    return found.path;
  };

  override readFile = (path: string): string => readFileSync(path, 'utf8');

  check(): void {
    for (const name of MAIL_NAMES) {
      const filepath = this.resolvePath(name);
      this.templatesSync.define(filepath, this.compile(this.readFile(filepath), { filepath }));
    }
  }

  write(name: string, data: MailData, t: Translate): string {
    return this.render(name, { ...data, t });
  }
}

/** Null for what is no name: mail programs make links of what looks like one, and we send none but our own. */
function nameToCall(name: string): string | null {
  return /^[\p{L}\p{M}\p{Zs}'’.,-]{1,80}$/u.test(name) && !/\.\S/u.test(name) ? name.trim() || null : null;
}

function instant(at: Milliseconds, language: Language): string {
  const format = new Intl.DateTimeFormat(language, { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' });
  return `${format.format(at)} UTC`;
}
