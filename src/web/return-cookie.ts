import type { Context } from 'koa';
import { HOUR, toMilliseconds } from '../lib/duration.ts';

export type ReturnCookie = ReturnType<typeof createReturnCookie>;

/** Where a sign-in waits that somebody left to find a way in. It opens nothing: the sign-in has a cookie of its own. */
export function createReturnCookie({ https }: { https: boolean }) {
  const name = https ? '__Host-gatewright-return' : 'gatewright-return';
  const cookie = { httpOnly: true, sameSite: 'lax', secure: https, path: '/', overwrite: true } as const;
  /** Of requests that bring it, and have no cookie yet. */
  const brought = new WeakMap<Context, string>();

  return {
    /** @param uid as it stands in the address of the page that led here, which anybody can write */
    keep(ctx: Context, uid: unknown): void {
      if (typeof uid !== 'string' || !isUid(uid)) return;
      brought.set(ctx, uid);
      ctx.cookies.set(name, uid, { ...cookie, maxAge: toMilliseconds(HOUR) });
    },
    /** Back into the sign-in that waits in this browser, or else to the account pages, which ask for one. */
    href(ctx: Context): string {
      const uid = brought.get(ctx) ?? ctx.cookies.get(name) ?? '';
      return isUid(uid) ? `/interaction/${uid}` : '/account';
    },
  };
}

function isUid(text: string): boolean {
  return /^[\w-]{8,64}$/.test(text);
}
