import type { Context } from 'koa';
import { type Logger, reasonOf } from './lib/log.ts';
import type { Metrics } from './metrics/metrics.ts';

/** What the protocol library tells, into log and metrics. */
export function providerEvents({ log, metrics }: { log: Logger; metrics: Metrics }) {
  const idOf = (ctx: Context) => ctx.response.get('x-request-id');
  return {
    refused: (ctx: Context, error: string, detail: string | undefined) =>
      log.info({ requestId: idOf(ctx), error, detail }, 'request refused'),
    failed: (ctx: Context, err: Error) => log.error({ requestId: idOf(ctx), err }, 'request failed'),
    unavailable: (ctx: Context, err: Error) =>
      log.error({ requestId: idOf(ctx), reason: reasonOf(err) }, 'request failed: a database is away'),
    keysNotFetched: (origin: string, err: Error) =>
      log.warn({ origin, reason: reasonOf(err) }, 'the keys of a client cannot be fetched'),
    issued: metrics.tokenIssued,
  };
}
