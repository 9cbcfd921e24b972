import { AsyncLocalStorage } from 'node:async_hooks';
import type { Context } from 'koa';
import { type Device, deviceOf } from '../web/device.ts';
import type { RequestState } from '../web/request-log.ts';

/** Who uses a session, for its owner to recognise. Kept with the session, sealed. */
export interface Visitor extends Device {
  address: string;
}

const visitors = new AsyncLocalStorage<Visitor>();

/** Whatever session is saved within `work` is this visitor's. The library knows neither the address nor whom to ask. */
export function asVisitor<T>(ctx: Context, work: () => Promise<T>): Promise<T> {
  const { address } = ctx.state as RequestState;
  return visitors.run({ ...deviceOf(ctx.get('user-agent')), address }, work);
}

export function currentVisitor(): Visitor | undefined {
  return visitors.getStore();
}
