import type { Context } from 'koa';
import type { KoaContextWithOIDC } from 'oidc-provider';
import { type Pages, sendOn } from '../web/page.ts';
import type { ClientHead } from '../web/view-data.ts';
import { registrationOf } from './client-metadata.ts';

/** What the library makes of an error. */
export interface ErrorOut {
  error: string;
  error_description?: string | undefined;
}

export interface ProviderPages {
  error(ctx: KoaContextWithOIDC, out: ErrorOut, err: Error): void;
  signOut(ctx: KoaContextWithOIDC, form: string): Promise<void>;
  signedOut(ctx: KoaContextWithOIDC): void;
  sendOn(ctx: Context, href: string): void;
  /** The sign-in for a device has come to its end. */
  deviceConnected(ctx: KoaContextWithOIDC): void;
  /** Where it did not: the library shows one page for whatever happened. */
  deviceNotConnected(ctx: KoaContextWithOIDC, out: ErrorOut, err: Error): void;
}

/** Errors that are no fault of the application's. */
const TEXTS: Record<string, string> = { server_error: 'failed', temporarily_unavailable: 'unavailable' };

/** By the library's names for what became of a device's sign-in. */
const NOT_CONNECTED: Record<string, string> = {
  AbortedError: 'device-denied',
  NotFoundError: 'device-over',
  ExpiredError: 'device-over',
  AlreadyUsedError: 'device-over',
};

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
    deviceConnected(ctx) {
      const t = pages.texts(ctx);
      const client = headOf(ctx.oidc.client)?.name ?? '';
      const paragraphs = [t('notice.device-connected.what', { client }), t('notice.device-connected.hint')];
      pages.send(ctx, 'notice', { title: t('notice.device-connected.heading'), paragraphs, next: null });
    },
    deviceNotConnected(ctx, out, err) {
      // For a form of its own that is not shown, the library has put a value into the session. Unsaved it stays, also where
      // there is no session yet: nothing is kept of somebody who did not sign in.
      Object.assign(ctx.oidc.session ?? {}, { state: undefined, touched: false });
      // What the sign-in itself ended with is no fault of the application's either.
      const isEnded = ctx.oidc.entities.Interaction?.result?.['error'] !== undefined;
      const text = NOT_CONNECTED[err.name] ?? (isEnded ? 'device-denied' : undefined);
      if (!text) return this.error(ctx, out, err);
      const t = pages.texts(ctx);
      const paragraphs = [t(`notice.${text}.what`), t(`notice.${text}.hint`)];
      const status = text === 'device-over' ? 410 : 200;
      pages.send(ctx, 'notice', { title: t(`notice.${text}.heading`), paragraphs, next: null }, { status });
    },
    sendOn: (ctx, href) => sendOn(pages, ctx, href),
  };
}

/** How an application is shown: by its registered name and by the host that people end up at. */
export function headOf(client: object | undefined): ClientHead | null {
  if (!client) return null;
  const { name, settings } = registrationOf(client);
  const [redirect = ''] = settings.redirectUris;
  // Where people end up nowhere but at a device, its maker's home page tells more than a name.
  const host = URL.parse(redirect || settings.clientUri || '')?.host || null;
  return { name, host, logoUri: settings.logoUri };
}
