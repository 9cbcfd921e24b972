import type { ServerResponse } from 'node:http';
import type { Middleware } from 'koa';
import Provider, { type KoaContextWithOIDC } from 'oidc-provider';
import { forgive } from './unavailable.ts';

const outdated = new WeakSet<object>();
const forms = new WeakMap<ServerResponse, string | null>();

/**
 * A request for tokens that this Provider cannot sign, and the one that has just taken its place can. Nothing was spent on
 * it yet.
 */
export function noteOutdated(): void {
  const { ctx } = Provider;
  // An assertion was used up (RFC 7523 3): its client has to make another, and is told to come again.
  if (ctx && !forms.has(ctx.res) && !ctx.oidc.body?.['client_assertion']) outdated.add(ctx);
}

/** Leaves the answer to such a request to the host. */
export const handOver: Middleware = async (ctx, next) => {
  await next();
  if (!outdated.has(ctx)) return;
  forgive(ctx);
  ctx.respond = false;
  const { body } = (ctx as unknown as KoaContextWithOIDC).oidc;
  const fields = Object.entries(body ?? {}).flatMap(([name, value]) =>
    [value].flat().map((each) => [name, String(each)]),
  );
  forms.set(ctx.res, new URLSearchParams(fields).toString());
};

/** The form of a request that is to be answered anew, once. */
export function takeHandedOver(res: ServerResponse): string | null {
  const form = forms.get(res) ?? null;
  if (form !== null) forms.set(res, null);
  return form;
}
