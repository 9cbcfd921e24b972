import type { X509Certificate } from 'node:crypto';
import type { Middleware } from 'koa';
import type { By } from '../lib/by.ts';
import type { Clock } from '../lib/clock.ts';
import type { Milliseconds } from '../lib/duration.ts';
import { newId } from '../lib/ids.ts';
import type { Logger } from '../lib/log.ts';
import { inTrace, traceFrom } from '../lib/trace.ts';
import type { ClientAddress } from './client-address.ts';
import { deviceName, deviceOf } from './device.ts';

export interface PresentedCertificate {
  certificate: X509Certificate;
  /** It comes from one of the authorities that the operator listed. */
  isVerified: boolean;
}

export interface RequestState {
  requestId: string;
  address: string;
  userAgent: string;
  /** What whoever connected proved to have the key of (RFC 8705). */
  certificate?: PresentedCertificate;
  /** The pattern of the route, set by whoever answers: addresses themselves carry tokens. */
  route?: string;
}

/** A request that is over. */
export interface Answered {
  method: string;
  route: string;
  status: number;
  ms: Milliseconds;
  /** The other side did not wait for the end of the answer. */
  aborted?: true;
}

/**
 * One line per request: method, route pattern, status, time. Never the address as asked for, its query, the Referer,
 * a cookie or a body.
 */
export function requestLog({
  log,
  clock,
  clientAddress,
  onAnswer,
}: {
  log: Logger;
  clock: Clock;
  clientAddress: ClientAddress;
  onAnswer: (answered: Answered) => void;
}): Middleware {
  return async (ctx, next) => {
    const state = ctx.state as RequestState;
    const startedAt = clock();
    state.requestId = newId('req');
    state.address = clientAddress(ctx.req);
    state.userAgent = ctx.get('user-agent');
    ctx.set('X-Request-Id', state.requestId);
    const trace = traceFrom(ctx.get('traceparent'), state.requestId);
    const { method } = ctx;
    ctx.res.once('close', () => {
      const answered: Answered = {
        method,
        route: state.route ?? '(unknown)',
        status: ctx.res.statusCode,
        ms: clock() - startedAt,
        ...(!ctx.res.writableFinished && { aborted: true }),
      };
      onAnswer(answered);
      // A connection closes in nobody's name: the ids are not added by themselves.
      log.info({ requestId: state.requestId, traceId: trace.traceId, ...answered }, 'request');
    });
    return inTrace(trace, next);
  };
}

/** Who asked, for the audit trail. */
export function byVisitor(state: unknown, actor: string): By {
  const { address, requestId, userAgent } = state as RequestState;
  return { actor, address, requestId, browser: deviceName(deviceOf(userAgent)) };
}
