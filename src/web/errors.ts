import type { Context, Middleware } from 'koa';
import type { Clock } from '../lib/clock.ts';
import { type Seconds, toMilliseconds } from '../lib/duration.ts';
import { Refusal, type RefusalCode } from '../lib/errors.ts';
import { type Logger, reasonOf } from '../lib/log.ts';
import type { Pages } from './page.ts';
import type { RequestState } from './request-log.ts';

/** The text of each refusal that is shown as a page of its own; problems of a form stand beside its fields instead. */
const TEXTS: Record<RefusalCode, string> = {
  credentials_wrong: 'form-forged',
  code_wrong: 'form-forged',
  code_replayed: 'form-forged',
  recovery_code_wrong: 'form-forged',
  passkey_refused: 'form-forged',
  form_forged: 'form-forged',
  form_invalid: 'form-forged',
  wrong_content_type: 'form-forged',
  body_too_large: 'form-forged',
  too_many_attempts: 'too-many-attempts',
  flow_expired: 'flow-expired',
  enrolment_expired: 'flow-expired',
  setup_link_spent: 'link-used',
  link_spent: 'link-used',
  wrong_host: 'misdirected',
  not_found: 'not-found',
  busy: 'unavailable',
  temporarily_unavailable: 'unavailable',
};

/** A database that is started again is there about then. */
const RETRY_AFTER: Seconds = 5;

const HINTS: Record<string, string> = {
  'flow-expired': 'error.start-again',
  'form-forged': 'error.start-again',
  'link-used': 'error.link-used.another',
  misdirected: 'error.misdirected.operator',
};

export interface ErrorPagesDeps {
  pages: Pages;
  log: Logger;
  issuer: string;
  /** Whether an error means that a database is away for now. */
  isUnavailable: (err: unknown) => boolean;
  clock: Clock;
}

/** A Refusal is shown, and so is that a database is away; anything else is logged whole, with its request id, and shown as nothing. */
export function errorPages(deps: ErrorPagesDeps): Middleware {
  const { log, isUnavailable } = deps;
  return async (ctx, next) => {
    try {
      await next();
    } catch (err) {
      const { requestId, route } = ctx.state as RequestState;
      if (err instanceof Refusal) {
        log.info({ requestId, route, code: err.code }, 'refused');
        sendError(deps, ctx, err);
      } else if (isUnavailable(err)) {
        // Where a database is away, this is said of every request: one short line each.
        log.error({ requestId, route, reason: reasonOf(err) }, 'request failed: a database is away');
        sendError(deps, ctx, new Refusal('temporarily_unavailable', 503, { retryAfter: RETRY_AFTER }));
      } else {
        log.error({ requestId, route, err }, 'request failed');
        sendError(deps, ctx, null);
      }
    }
  };
}

function sendError({ pages, issuer, clock }: ErrorPagesDeps, ctx: Context, refusal: Refusal | null): void {
  const t = pages.texts(ctx);
  const text = refusal ? TEXTS[refusal.code] : 'failed';
  if (refusal?.retryAfter) ctx.set('Retry-After', String(refusal.retryAfter));
  if (ctx.accepts('html', 'json') === 'json') {
    ctx.set('Cache-Control', 'no-store');
    ctx.status = refusal?.status ?? 500;
    ctx.body = { error: refusal?.code ?? 'server_error' };
    return;
  }
  pages.send(
    ctx,
    'error',
    {
      status: refusal?.status ?? 500,
      title: t(`error.${text}.title`),
      message: t(`error.${text}.message`),
      ownHref: text === 'misdirected' ? issuer : null,
      hint: HINTS[text] ? t(HINTS[text]) : null,
      requestId: (ctx.state as RequestState).requestId ?? null,
      retryAt: refusal?.retryAfter ? new Date(clock() + toMilliseconds(refusal.retryAfter)).toISOString() : null,
    },
    { status: refusal?.status ?? 500 },
  );
}

/** The last middleware: nobody answered. */
export function notFound(): Middleware {
  return async () => {
    throw new Refusal('not_found', 404);
  };
}
