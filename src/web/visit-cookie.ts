import type { Context } from 'koa';
import { type Seconds, toMilliseconds } from '../lib/duration.ts';
import { newSecret } from '../lib/ids.ts';

/** One browser on pages that need no sign-in. */
export interface Visit {
  /** What the browser came with in an address, which it holds no longer. Empty: with nothing. */
  token: string;
  /** The token, and a value that this browser alone has: whoever else has the token can send none of its forms. */
  id: string;
}

export type VisitCookie = ReturnType<typeof createVisitCookie>;

export function createVisitCookie({
  name: bare,
  path,
  https,
  lifetime,
}: {
  name: string;
  path: string;
  https: boolean;
  lifetime: Seconds;
}) {
  const name = https ? `__Secure-${bare}` : bare;
  const cookie = { httpOnly: true, sameSite: 'lax', secure: https, path, overwrite: true } as const;

  function known(ctx: Context): Visit | null {
    const id = ctx.cookies.get(name) ?? '';
    const [token = '', own] = id.split('.');
    return own ? { token, id } : null;
  }

  return {
    known,
    /** Who comes again with the same goes on where this browser was. */
    begin(ctx: Context, token: string): Visit {
      const before = known(ctx);
      const visit = before?.token === token ? before : { token, id: `${token}.${newSecret('gwb')}` };
      ctx.cookies.set(name, visit.id, { ...cookie, maxAge: toMilliseconds(lifetime) });
      return visit;
    },
    end(ctx: Context): void {
      ctx.cookies.set(name, null, cookie);
    },
  };
}
