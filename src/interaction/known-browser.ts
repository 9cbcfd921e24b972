import type { Context } from 'koa';
import { toMilliseconds } from '../lib/duration.ts';
import type { Attempt } from '../limits/attempts.ts';
import { KNOWN_FOR, type KnownBrowsers } from '../limits/known-browsers.ts';
import { byVisitor } from '../web/request-log.ts';
import { type Interaction, standsSince } from './interaction.ts';

export type BrowserCookie = ReturnType<typeof createBrowserCookie>;

/** Carries what a browser is known by. Random, so that it says nothing about whom it is for. */
export function createBrowserCookie({ browsers, https }: { browsers: KnownBrowsers; https: boolean }) {
  const name = https ? '__Host-gatewright-browser' : 'gatewright-browser';
  const given = (ctx: Context) => ctx.cookies.get(name) ?? null;

  return {
    attempt: (ctx: Context, accountId: string | null): Promise<Attempt | null> =>
      browsers.attempt(given(ctx), accountId),
    /** A session that was found in somebody's hands makes no known browser: the password was proved here. */
    async remember(ctx: Context, { account, progress }: Interaction): Promise<void> {
      if (!account || progress.factorsVersion === null || progress.finished) return;
      const by = byVisitor(ctx.state, account.id);
      const id = await browsers.remember(given(ctx), account.id, standsSince(progress), by);
      if (id === null) return;
      const maxAge = toMilliseconds(KNOWN_FOR);
      const cookie = { httpOnly: true, sameSite: 'lax', secure: https, path: '/', overwrite: true, maxAge } as const;
      ctx.cookies.set(name, id, cookie);
    },
  };
}
