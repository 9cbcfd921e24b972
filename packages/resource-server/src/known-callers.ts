import type { Caller } from './caller.ts';

/** By the framework's own request, so that no framework needs to know of a property of ours. */
const callers = new WeakMap<object, Caller>();

export function remember(request: object, caller: Caller): void {
  callers.set(request, caller);
}

/**
 * Who sent this request: Koa's `ctx`, Express's or Fastify's request.
 * @throws {Error} where nothing verified it: the middleware is missing on that route, and nobody may pass
 */
export function callerOf(request: object): Caller {
  const caller = callers.get(request);
  if (!caller) throw new Error('Nothing verified the token of this request: put the middleware before this handler');
  return caller;
}
