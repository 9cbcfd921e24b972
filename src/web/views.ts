import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Eta } from 'eta';
import { OperatorProblem } from '../lib/errors.ts';
import { type AssetFolders, assetHref, isInside, loadAssets } from './assets.ts';
import { LANGUAGES, type Language, type Translate, translator } from './texts.ts';
import { VIEW_NAMES, type ViewData, type ViewName } from './view-data.ts';
import type { Problem, ProblemField } from './view-parts.ts';

/** A template may include others by name only; a path of any kind is no name. */
const TEMPLATE_NAME = /^(partials\/)?[a-z0-9-]+$/;

export interface ViewsOptions extends AssetFolders {
  siteName: string;
  /** Shown at the foot of every page: on whose server the person is. */
  issuerHost: string;
}

export interface Views {
  render<Name extends ViewName>(name: Name, data: ViewData[Name], language: Language): string;
}

/**
 * Compiles every page once, so that a broken or misnamed replacement stops the program at start and
 * not a person at sign-in.
 * @throws {OperatorProblem} when the operator's folder cannot be used
 */
export function createViews({ folder, overrideFolder, siteName, issuerHost }: ViewsOptions): Views {
  const { templates, assets } = load({ folder, overrideFolder });
  const asset = (name: string) => assetHref(assets, name);
  const translators = Object.fromEntries(LANGUAGES.map((each) => [each, translator(each)])) as Record<
    Language,
    Translate
  >;

  return {
    render(name, data, language) {
      const t = translators[language];
      const invalid = (field: ProblemField, hint?: string) =>
        invalidAttributes('problem' in data ? data.problem : null, field, hint);
      const utc = (instant: string) => timeOfDay(instant, language);
      const moment = (instant: string) => dayAndTime(instant, language);
      const helpers = { t, asset, link, image, invalid, utc, moment };
      return templates.render(name, { ...data, ...helpers, view: name, language, siteName, issuerHost });
    },
  };
}

function load({ folder, overrideFolder }: AssetFolders) {
  try {
    const templates = new Templates(folder, overrideFolder);
    templates.check();
    return { templates, assets: loadAssets({ folder, overrideFolder }) };
  } catch (err) {
    if (!overrideFolder) throw err;
    const reason = (err as Error).message.split(/\n=+\n/)[0]?.replaceAll(/\s*\n\s*/g, ': ');
    throw new OperatorProblem(`VIEWS_DIR ${overrideFolder} cannot be used: ${reason}`, { cause: err });
  }
}

class Templates extends Eta {
  readonly #folder: string;
  readonly #override: string | undefined;
  readonly #paths = new Map<string, string>();

  constructor(folder: string, override: string | undefined) {
    super({
      cache: true,
      autoEscape: true,
      autoFilter: true,
      // A field that is not there prints as nothing rather than as "undefined".
      filterFunction: (value) => (value === undefined || value === null || value === false ? '' : String(value)),
      functionHeader: 'const { t, asset, link, image, invalid, utc, moment } = it;',
    });
    this.#folder = folder;
    this.#override = override;
  }

  override resolvePath = (name: string): string => {
    const known = this.#paths.get(name);
    if (known) return known;
    if (!TEMPLATE_NAME.test(name)) throw new Error(`"${name}" is no name of a template`);

    const root = [this.#override, this.#folder].find((each) => each && existsSync(join(each, `${name}.eta`)));
    if (!root) throw new Error(`there is no template ${name}`);
    const path = join(root, `${name}.eta`);
    if (!isInside(root, path)) throw new Error(`${path} leads out of ${root}`);
    this.#paths.set(name, path);
    return path;
  };

  override readFile = (path: string): string => readFileSync(path, 'utf8');

  check(): void {
    if (this.#override) {
      const names = readdirSync(this.#override).filter((file) => file.endsWith('.eta'));
      const stray = names.filter((file) => !VIEW_NAMES.some((name) => file === `${name}.eta`));
      if (stray.length > 0) throw new Error(`${this.#override}: there is no page that ${stray.join(', ')} replaces`);
    }
    for (const name of [...VIEW_NAMES, ...this.#partials()]) {
      const filepath = this.resolvePath(name);
      this.templatesSync.define(filepath, this.compile(this.readFile(filepath), { filepath }));
    }
  }

  #partials(): string[] {
    return [this.#folder, this.#override]
      .map((root) => root && join(root, 'partials'))
      .filter((place) => place !== undefined && existsSync(place))
      .flatMap((place) => readdirSync(place as string))
      .filter((file) => file.endsWith('.eta'))
      .map((file) => `partials/${file.slice(0, -'.eta'.length)}`);
  }
}

/** Ties a field to the sentence about it. `hint` is the id of a text that always describes the field. */
function invalidAttributes(problem: Problem, field: ProblemField, hint?: string): string {
  const pair = problem?.field === 'credentials' && (field === 'email' || field === 'password');
  const wrong = problem?.field === field || pair;
  const described = [wrong && 'problem', hint].filter(Boolean).join(' ');
  return `${wrong ? ' aria-invalid="true"' : ''}${described && ` aria-describedby="${described}"`}`;
}

/** An address to follow, or null for schemes that run something (`javascript:`) or that we do not expect. */
function link(href: string | null | undefined): string | null {
  if (!href) return null;
  if (/^\/(?![/\\])/.test(href)) return href;
  return /^(https?|otpauth):\/\//i.test(href) ? href : null;
}

/** Only what `img-src 'self' data:` lets through; anything else would show as a broken image. */
function image(src: string | null | undefined): string | null {
  return src && (/^\/(?![/\\])/.test(src) || /^data:image\/(png|jpeg|webp|svg\+xml)[;,]/i.test(src)) ? src : null;
}

/** In UTC, since a page without scripts does not know where its reader is. */
function dayAndTime(instant: string, language: Language): string {
  const options = { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' } as const;
  const date = new Date(instant);
  if (Number.isNaN(date.getTime())) return instant;
  return `${new Intl.DateTimeFormat(language, options).format(date)} UTC`;
}

function timeOfDay(instant: string, language: Language): string {
  const date = new Date(instant);
  if (Number.isNaN(date.getTime())) return instant;
  return new Intl.DateTimeFormat(language, {
    hour: '2-digit',
    minute: '2-digit',
    hour12: false,
    timeZone: 'UTC',
  }).format(date);
}
