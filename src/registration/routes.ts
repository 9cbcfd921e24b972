import Router from '@koa/router';
import type { Context } from 'koa';
import { Refusal } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import type { RateStanding } from '../lib/rate-standing.ts';
import type { RequestLimits } from '../limits/request-limits.ts';
import { readBody } from '../web/body.ts';
import { answerTooManyRequests, setRateHeaders } from '../web/rate-limit.ts';
import { byVisitor, type RequestState } from '../web/request-log.ts';
import { parseJsonObject } from './json-object.ts';
import { RegistrationRefusal } from './refusal.ts';
import type { Registration } from './registration.ts';

export const REGISTRATION_PATH = '/oauth2/register';

const LARGEST = 16 * 1024;

export interface RegistrationRoutesDeps {
  service: Registration;
  /** Anybody may come, without a token. */
  isOpen: boolean;
  limits: RequestLimits;
  log: Logger;
}

/**
 *   POST   /oauth2/register        RFC 7591 3.1
 *   GET    /oauth2/register/:id    RFC 7592 2; PUT and DELETE likewise
 *
 * For programs on servers and machines: no page of another origin may read an answer.
 */
export function registrationRoutes({ service, isOpen, limits, log }: RegistrationRoutesDeps): Router {
  const router = new Router({ prefix: REGISTRATION_PATH });

  router.use(async (ctx, next) => {
    const state = ctx.state as RequestState;
    ctx.set({ 'Cache-Control': 'no-store', Pragma: 'no-cache' });
    const standing = await limits.address('register', state.address);
    if (!passes(ctx, standing)) return;
    try {
      await next();
    } catch (err) {
      const refusal = asRefusal(err);
      log.info({ requestId: state.requestId, route: state.route, error: refusal.error }, 'registration refused');
      send(ctx, refusal, presentedToken(ctx) !== null);
    }
  });

  /** Where anybody may come, each write is counted: it stays, and so does what the audit trail says of it. */
  async function mayWrite(ctx: Context): Promise<boolean> {
    return !isOpen || passes(ctx, await limits.registrations((ctx.state as RequestState).address));
  }

  router.all('/', async (ctx) => {
    mark(ctx, REGISTRATION_PATH);
    if (ctx.method !== 'POST') return notAllowed(ctx, 'POST');
    const token = presentedToken(ctx);
    if (token === null && !(await mayWrite(ctx))) return;
    const made = await service.register(await readObject(ctx), token, (actor) => byVisitor(ctx.state, actor));
    ctx.status = 201;
    ctx.body = made;
  });

  router.all('/:id', async (ctx) => {
    mark(ctx, `${REGISTRATION_PATH}/:id`);
    const id = String(ctx['params']['id']);
    const token = presentedToken(ctx);
    const by = (actor: string) => byVisitor(ctx.state, actor);
    if (ctx.method === 'PUT' && !(await mayWrite(ctx))) return;
    if (ctx.method === 'GET') ctx.body = await service.read(id, token);
    else if (ctx.method === 'PUT') ctx.body = await service.replace(id, await readObject(ctx), token, by);
    else if (ctx.method === 'DELETE') {
      await service.remove(id, token, by);
      ctx.status = 204;
    } else notAllowed(ctx, 'GET, PUT, DELETE');
  });
  return router;
}

function passes(ctx: Context, standing: RateStanding | null): boolean {
  if (standing) setRateHeaders(ctx, standing);
  if (!standing?.over) return true;
  answerTooManyRequests(ctx, standing);
  return false;
}

/** RFC 6750 2.1, the one way to present it here. What is no token of any shape is as good as a wrong one. */
function presentedToken(ctx: Context): string | null {
  const header = ctx.get('authorization');
  return header === '' ? null : (/^Bearer +([A-Za-z0-9._~+/-]{1,200}=*)$/i.exec(header)?.[1] ?? '');
}

async function readObject(ctx: Context): Promise<Record<string, unknown>> {
  if (!ctx.is('application/json')) throw new Refusal('wrong_content_type', 415);
  return parseJsonObject(await readBody(ctx, LARGEST));
}

/** @throws what is no refusal */
function asRefusal(err: unknown): RegistrationRefusal {
  if (err instanceof RegistrationRefusal) return err;
  if (!(err instanceof Refusal) || err.status >= 500) throw err;
  const why = {
    wrong_content_type: 'the body must be application/json',
    body_too_large: `the body may have ${LARGEST} bytes at most`,
  }[err.code as string];
  return new RegistrationRefusal('invalid_request', why ?? 'the request broke off', err.status);
}

function send(ctx: Context, { error, status, message }: RegistrationRefusal, presented: boolean): void {
  ctx.status = status;
  // RFC 6750 3: nothing is wrong with a token that was not sent.
  if (status === 401) ctx.set('WWW-Authenticate', presented ? 'Bearer error="invalid_token"' : 'Bearer');
  ctx.body = { error, error_description: ascii(message) };
}

/** RFC 6749 5.2, and no longer than what somebody reads, whatever was sent. */
function ascii(text: string): string {
  return text.replaceAll(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, '?').slice(0, 300);
}

function notAllowed(ctx: Context, methods: string): void {
  ctx.status = 405;
  ctx.set('Allow', methods);
  ctx.body = { error: 'invalid_request', error_description: `this address takes ${methods}` };
}

function mark(ctx: Context, route: string): void {
  (ctx.state as RequestState).route = route;
}
