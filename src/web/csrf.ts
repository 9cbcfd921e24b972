import type { Context } from 'koa';
import { Refusal } from '../lib/errors.ts';
import { keyedHash, sameText } from '../lib/hash.ts';
import type { Keyring } from '../lib/keyring.ts';

export type Csrf = ReturnType<typeof createCsrf>;

/**
 * A form is taken only from a page of ours (the browser says so) and only with the token of the flow that it belongs
 * to. The token is computed from the flow's unguessable id, so that nothing is stored for it. A form may have been open
 * since before the keyring moved on.
 */
export function createCsrf({ keyring, issuer }: { keyring: Keyring; issuer: string }) {
  const isToken = (given: string, flow: string) =>
    keyring.someKey('csrf', (key) => sameText(given, keyedHash(key, flow)));

  return {
    token: (flow: string) => keyedHash(keyring.subkey('csrf'), flow),
    /** @throws {Refusal} `form_forged` */
    check(ctx: Context, flow: string, form: URLSearchParams): void {
      if (!isFromHere(ctx, issuer) || !isToken(form.get('csrf') ?? '', flow)) {
        throw new Refusal('form_forged', 403);
      }
    },
  };
}

/** Sec-Fetch-Site where the browser sends it (Fetch Metadata), otherwise Origin (RFC 6454 7). */
export function isFromHere(ctx: Context, issuer: string): boolean {
  const site = ctx.get('sec-fetch-site');
  if (site) return site === 'same-origin';
  return ctx.get('origin') === issuer;
}
