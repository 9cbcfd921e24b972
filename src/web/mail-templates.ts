import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Eta } from 'eta';
import { OperatorProblem } from '../lib/errors.ts';
import { isInside } from './assets.ts';
import type { Language, Translate } from './texts.ts';

/** The template of every message that has none of its own. */
const COMMON = 'notice';
const FORMS = ['html', 'text'] as const;

type Form = (typeof FORMS)[number];

export interface MailTemplatesOptions {
  folder: string;
  /** Templates of the operator's, in place of ours. */
  overrideFolder?: string | undefined;
  /** Of every message. */
  names: readonly string[];
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

/** Compiles every one at once. @throws {OperatorProblem} when the operator's folder cannot be used */
export function openMailTemplates({
  folder,
  overrideFolder,
  names,
}: MailTemplatesOptions): Record<Form, MailTemplates> {
  const roots = [overrideFolder, folder].filter((root) => root !== undefined).map((root) => join(root, 'mails'));
  try {
    const forms = { html: new MailTemplates('html', roots), text: new MailTemplates('text', roots) };
    for (const root of roots) checkNames(root, names);
    for (const form of FORMS) forms[form].check(names);
    return forms;
  } catch (err) {
    if (!overrideFolder) throw err;
    const reason = (err as Error).message.split(/\n=+\n/)[0]?.replaceAll(/\s*\n\s*/g, ': ');
    throw new OperatorProblem(`VIEWS_DIR ${overrideFolder} cannot be used: ${reason}`, { cause: err });
  }
}

function checkNames(root: string, names: readonly string[]): void {
  const known = [COMMON, ...names].flatMap((name) => FORMS.map((form) => `${name}.${form}.eta`));
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

  check(names: readonly string[]): void {
    for (const name of names) {
      const filepath = this.resolvePath(name);
      this.templatesSync.define(filepath, this.compile(this.readFile(filepath), { filepath }));
    }
  }

  write(name: string, data: MailData, t: Translate): string {
    return this.render(name, { ...data, t });
  }
}
