import type { Middleware } from 'koa';
import type { By } from '../lib/by.ts';
import type { Clock } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import type { Logger } from '../lib/log.ts';
import type { ClientAddress } from './client-address.ts';

export interface RequestState {
  requestId: string;
  address: string;
  /** The pattern of the route, set by whoever answers: addresses themselves carry tokens. */
  route?: string;
}

/**
 * One line per request: method, route pattern, status, time. Never the address as asked for, its query, the Referer,
 * a cookie or a body.
 */
export function requestLog({
  log,
  clock,
  clientAddress,
}: {
  log: Logger;
  clock: Clock;
  clientAddress: ClientAddress;
}): Middleware {
  return async (ctx, next) => {
    const state = ctx.state as RequestState;
    const startedAt = clock();
    state.requestId = newId('req');
    state.address = clientAddress(ctx.req);
    ctx.set('X-Request-Id', state.requestId);
    ctx.res.once('close', () => {
      log.info(
        {
          requestId: state.requestId,
          method: ctx.method,
          route: state.route ?? '(unknown)',
          status: ctx.res.statusCode,
          ms: clock() - startedAt,
          ...(!ctx.res.writableFinished && { aborted: true }),
        },
        'request',
      );
    });
    return next();
  };
}

/** Who asked, for the audit trail. */
export function byVisitor(state: unknown, actor: string): By {
  const { address, requestId } = state as RequestState;
  return { actor, address, requestId };
}
