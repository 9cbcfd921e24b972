import type { Context } from 'koa';
import { isAtLeast, levelOf, provedHere } from '../assurance/level.ts';
import type { By } from '../lib/by.ts';
import { toMilliseconds } from '../lib/duration.ts';
import { Refusal } from '../lib/errors.ts';
import type { Attempt } from '../limits/attempts.ts';
import { KNOWN_FOR, type KnownBrowsers, type Owner, type TrustedBrowser } from '../limits/known-browsers.ts';
import { byVisitor } from '../web/request-log.ts';
import { type Interaction, type Progress, standsSince } from './interaction.ts';

export type BrowserCookie = ReturnType<typeof createBrowserCookie>;

/** Carries what a browser is known by. Random, so that it says nothing about whom it is for. */
export function createBrowserCookie({ browsers, https }: { browsers: KnownBrowsers; https: boolean }) {
  const name = https ? '__Host-gatewright-browser' : 'gatewright-browser';
  const given = (ctx: Context) => ctx.cookies.get(name) ?? null;

  /** The cookie to keep: another one where this sign-in proved two factors, and the browser is to stand in for one. */
  async function kept(ctx: Context, owner: Owner, progress: Progress): Promise<string | null> {
    const by = byVisitor(ctx.state, owner.id);
    const provedAt = standsSince(progress);
    const mayTrust = progress.trust && isAtLeast(levelOf(provedHere(progress.proofs)), 'two-factor');
    const trusted = mayTrust ? await browsers.trust(given(ctx), owner, provedAt, by) : null;
    return trusted ?? browsers.remember(given(ctx), owner.id, provedAt, by);
  }

  return {
    attempt: (ctx: Context, accountId: string | null): Promise<Attempt | null> =>
      browsers.attempt(given(ctx), accountId),
    isTrusted: (ctx: Context, owner: Owner): Promise<boolean> => browsers.isTrusted(given(ctx), owner),
    trusted: (ctx: Context, owner: Owner): Promise<TrustedBrowser[]> => browsers.trusted(given(ctx), owner),
    endTrust: (owner: Owner, id: string | null, by: By): Promise<boolean> => browsers.endTrust(owner, id, by),
    /** A session that was found in somebody's hands makes no known browser: the password was proved here. */
    async remember(ctx: Context, { account, progress }: Interaction): Promise<void> {
      const here = levelOf(provedHere(progress.proofs));
      if (!account || here === null || progress.finished) return;
      // Its owner may have ended the trust since the password was given.
      if (here === 'trusted-browser' && !(await browsers.isTrusted(given(ctx), account)))
        throw new Refusal('flow_expired', 409);
      const id = await kept(ctx, account, progress);
      if (id === null) return;
      const maxAge = toMilliseconds(KNOWN_FOR);
      const cookie = { httpOnly: true, sameSite: 'lax', secure: https, path: '/', overwrite: true, maxAge } as const;
      ctx.cookies.set(name, id, cookie);
    },
  };
}
