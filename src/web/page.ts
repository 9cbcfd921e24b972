import type { Context } from 'koa';
import { pickLanguage, type Translate, translator } from './texts.ts';
import type { ViewData, ViewName } from './view-data.ts';
import type { Views } from './views.ts';

/** Sends pages in the visitor's language. */
export interface Pages {
  send<Name extends ViewName>(ctx: Context, name: Name, data: ViewData[Name], options?: PageOptions): void;
  texts(ctx: Context, uiLocales?: string | null): Translate;
  /** BCP 47. */
  language(ctx: Context, uiLocales?: string | null): string;
}

export interface PageOptions {
  status?: number;
  /** What the application asked for (OpenID Connect Core 3.1.2.1); it comes before what the browser says. */
  uiLocales?: string | null;
}

export function createPages(views: Views): Pages {
  const language = (ctx: Context, uiLocales?: string | null) =>
    pickLanguage({ acceptLanguage: ctx.get('accept-language'), ...(uiLocales && { uiLocales }) });

  return {
    send(ctx, name, data, { status = 200, uiLocales } = {}) {
      ctx.status = status;
      ctx.type = 'html';
      ctx.set('Cache-Control', 'no-store');
      ctx.body = views.render(name, data, language(ctx, uiLocales));
    },
    language,
    texts: (ctx, uiLocales) => translator(language(ctx, uiLocales)),
  };
}

/**
 * The answer to a form that leads on to an application. A redirect would do, were it not that Chromium applies the
 * form's `form-action` to every redirect that follows a POST, the application's own included.
 */
export function sendOn(pages: Pages, ctx: Context, href: string, options?: PageOptions): void {
  pages.send(ctx, 'continue', { href }, options);
  ctx.set('Refresh', `0; url=${href}`);
}

/** After a form, so that reloading the page does not send it again (RFC 9110 15.4.4). */
export function seeOther(ctx: Context, href: string): void {
  ctx.status = 303;
  ctx.redirect(href);
}
