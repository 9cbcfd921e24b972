import { type Answer, admit, answerTo } from './admission.ts';
import { remember } from './known-callers.ts';
import { apiRequest, type NodeRequest } from './node-request.ts';
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
    const admission = await admit(resourceServer, apiRequest(ctx.req, ctx.originalUrl, ctx));
    if ('answer' in admission) return send(ctx, admission.answer);
    remember(ctx, admission.caller);
    ctx.set(admission.headers);
    try {
      await next();
    } catch (err) {
      const answer = answerTo(err);
      if (!answer) throw err;
      send(ctx, answer);
    }
  };
}

function send(ctx: KoaContext, { status, headers, body }: Answer): void {
  ctx.set(headers);
  ctx.status = status;
  ctx.body = body;
}
