import type { Context } from 'koa';
import type { KoaContextWithOIDC } from 'oidc-provider';
import { type Pages, sendOn } from '../web/page.ts';
import type { ClientHead } from '../web/view-data.ts';
import { registrationOf } from './client-metadata.ts';

export interface ProviderPages {
  error(ctx: KoaContextWithOIDC, out: { error: string; error_description?: string | undefined }, err: Error): void;
  signOut(ctx: KoaContextWithOIDC, form: string): Promise<void>;
  signedOut(ctx: KoaContextWithOIDC): void;
  sendOn(ctx: Context, href: string): void;
}

/** Errors that are no fault of the application's. */
const TEXTS: Record<string, string> = { server_error: 'failed', temporarily_unavailable: 'unavailable' };

/** The pages that the library shows by itself, in our look. */
export function createProviderPages(
  pages: Pages,
  emailOf: (accountId: string) => Promise<string | null>,
): ProviderPages {
  return {
    error(ctx, { error, error_description }, err) {
      const t = pages.texts(ctx);
      const text = err.name === 'SessionNotFound' ? 'flow-expired' : (TEXTS[error] ?? 'request-wrong');
      pages.send(
        ctx,
        'error',
        {
          client: headOf(ctx.oidc?.client),
          status: ctx.status,
          title: t(`error.${text}.title`),
          message: t(`error.${text}.message`),
          hint:
            text === 'request-wrong' ? [error, error_description].filter(Boolean).join(': ') : t('error.start-again'),
          requestId: ctx.response.get('x-request-id') || null,
          retryAt: null,
        },
        { status: ctx.status },
      );
    },
    async signOut(ctx, form) {
      const accountId = ctx.oidc.session?.accountId;
      const accountEmail = accountId ? await emailOf(accountId) : null;
      pages.send(ctx, 'sign-out', { client: headOf(ctx.oidc.client), form, accountEmail });
    },
    signedOut(ctx) {
      const client = headOf(ctx.oidc.client);
      const clientHref = ctx.oidc.client ? registrationOf(ctx.oidc.client).settings.clientUri : null;
      pages.send(ctx, 'signed-out', { client, clientHref });
    },
    sendOn: (ctx, href) => sendOn(pages, ctx, href),
  };
}

/** How an application is shown: by its registered name and by the host that people end up at. */
export function headOf(client: object | undefined): ClientHead | null {
  if (!client) return null;
  const { name, settings } = registrationOf(client);
  const [redirect = ''] = settings.redirectUris;
  return { name, host: URL.parse(redirect)?.host || null, logoUri: settings.logoUri };
}
