import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';

/** Which trace the work under way belongs to (W3C Trace Context). It labels what is logged, and decides nothing. */
export interface Trace {
  traceId: string;
  /** As it came: whether it is recorded is for the caller to say, not for us. */
  flags: string;
  requestId?: string;
}

/** W3C Trace Context 3.2.2: version ff and ids of nothing but zeros are invalid. What follows in later versions is not read. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})$/;
const NOT_RECORDED = '00';

const current = new AsyncLocalStorage<Trace>();

/** The caller's trace where its `traceparent` is well formed, otherwise a new one. */
export function traceFrom(traceparent: string, requestId: string): Trace {
  const [, traceId = newTraceId(), flags = NOT_RECORDED] = TRACEPARENT.exec(traceparent) ?? [];
  return { traceId, flags, requestId };
}

/** For work that no request asks for. */
export function newTrace(): Trace {
  return { traceId: newTraceId(), flags: NOT_RECORDED };
}

/** What `work` does, and whatever it leaves to be done later, belongs to `trace`. */
export function inTrace<T>(trace: Trace, work: () => T): T {
  return current.run(trace, work);
}

export function currentTrace(): Trace | undefined {
  return current.getStore();
}

/** For a request that we send: the trace under way, with a span of its own. */
export function outgoingTraceparent(): string | null {
  const trace = current.getStore();
  return trace ? `00-${trace.traceId}-${randomBytes(8).toString('hex')}-${trace.flags}` : null;
}

function newTraceId(): string {
  return randomBytes(16).toString('hex');
}
