import { AsyncLocalStorage } from 'node:async_hooks';
import type { Context } from 'koa';
import type { By } from '../lib/by.ts';
import { type Device, deviceOf } from '../web/device.ts';
import { byVisitor, type PresentedCertificate, type RequestState } from '../web/request-log.ts';

/** Who uses a session, for its owner to recognise. Kept with the session, sealed. */
export interface Visitor extends Device {
  address: string;
}

const visitors = new AsyncLocalStorage<{ visitor: Visitor; state: RequestState }>();

/** Whatever session is saved within `work` is this visitor's. The library knows neither the address nor whom to ask. */
export function asVisitor<T>(ctx: Context, work: () => Promise<T>): Promise<T> {
  const state = ctx.state as RequestState;
  const visitor = { ...deviceOf(state.userAgent), address: state.address };
  return visitors.run({ visitor, state }, work);
}

export function currentVisitor(): Visitor | undefined {
  return visitors.getStore()?.visitor;
}

/** What the client proved to have the key of. */
export function currentCertificate(): PresentedCertificate | undefined {
  return visitors.getStore()?.state.certificate;
}

/** Who asked, for the audit trail. */
export function byCurrentVisitor(actor: string): By {
  const { state } = visitors.getStore() ?? {};
  return state ? byVisitor(state, actor) : { actor, address: null, requestId: null };
}
