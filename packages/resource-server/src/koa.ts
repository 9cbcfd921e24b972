import { remember } from './known-callers.ts';
import { apiRequest, type NodeRequest } from './node-request.ts';
import { Refusal } from './refusal.ts';
import type { ResourceServer } from './verifier.ts';

interface KoaContext {
  req: NodeRequest;
  originalUrl: string;
  status: number;
  body: unknown;
  set(headers: Record<string, string>): void;
}

/**
 * Koa middleware: whatever stands behind it is reached with a good token only, and asks `callerOf(ctx)` who calls.
 * Refusals thrown behind it are answered here.
 */
export function koa(resourceServer: ResourceServer) {
  return async (ctx: KoaContext, next: () => Promise<unknown>): Promise<void> => {
    try {
      remember(ctx, await resourceServer.verify(apiRequest(ctx.req, ctx.originalUrl, ctx)));
      await next();
    } catch (err) {
      if (!(err instanceof Refusal)) throw err;
      ctx.set({ ...err.headers });
      ctx.status = err.status;
      ctx.body = err.body;
    }
  };
}
