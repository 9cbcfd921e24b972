import { setTimeout } from 'node:timers/promises';
import type { Context } from 'koa';
import type Provider from 'oidc-provider';
import type { OwnSession, OwnSessions } from '../account-pages/own-session.ts';
import { hasSecondFactor } from '../accounts/account.ts';
import type { AccountStore } from '../accounts/store.ts';
import { demandedLevel, type LevelPolicy } from '../assurance/demand.ts';
import { isAtLeast, levelOfAcr } from '../assurance/level.ts';
import type { Clock } from '../lib/clock.ts';
import { toMilliseconds } from '../lib/duration.ts';
import { accountSignInHref } from './account-client.ts';
import type { Lifetimes } from './lifetimes.ts';
import type { createOwnRecords } from './own-records.ts';
import type { SessionEnds } from './session-ends.ts';
import { sessionTtl } from './sessions.ts';
import { sessionCookie } from './settings.ts';
import { asVisitor } from './visitor.ts';

export interface OwnSessionsDeps {
  provider: () => Provider;
  issuer: string;
  lifetimes: Lifetimes;
  levelPolicy: LevelPolicy;
  accounts: AccountStore;
  records: Pick<ReturnType<typeof createOwnRecords>, 'sessionsOf'>;
  sessionEnds: Pick<SessionEnds, 'endOf'>;
  clock: Clock;
}

type ProviderSession = InstanceType<Provider['Session']> & { transient?: boolean };

export function createOwnSessions(deps: OwnSessionsDeps): OwnSessions {
  const { provider, issuer, lifetimes, levelPolicy, accounts, records, sessionEnds, clock } = deps;
  const found = new WeakMap<OwnSession, ProviderSession>();

  return {
    async find(ctx) {
      const session = (await provider().Session.get(ctx)) as ProviderSession;
      const { uid, accountId, loginTs, acr } = session;
      if (!accountId || loginTs === undefined) return null;
      const account = await accounts.find(accountId);
      const level = levelOfAcr(acr);
      if (account?.status !== 'active' || level === null) return null;
      // The authorization endpoint demands the same, and asks for what is missing.
      const ours = { client: 'one-factor', requested: 'one-factor' } as const;
      const demanded = demandedLevel({ policy: levelPolicy, account, ...ours }, clock());
      if (!isAtLeast(level, demanded)) return null;
      const own = { uid, account, level, provedAt: toMilliseconds(loginTs) };
      found.set(own, session);
      return own;
    },
    signInHref(state, fresh) {
      // A browser that stands in for the second factor would be sent back for it without end.
      const level = fresh && hasSecondFactor(fresh.account) ? 'two-factor' : 'one-factor';
      return accountSignInHref(issuer, state, fresh === null ? null : level);
    },
    async renew(ctx, own, endedAt) {
      const old = found.get(own);
      // An application that was let in while the account changed has a grant that is younger than the change, and whoever
      // clears up after the change no longer finds this session to know it by.
      if (!old || !(await sessionEnds.endOf(own.account.id, own.uid, { offlineToo: true }))) return false;
      // What was made at the instant of the change or before is refused.
      while (clock() <= endedAt) await setTimeout(1);
      const { accountId, loginTs, acr, amr, transient } = old;
      const kept = { accountId, loginTs, acr, amr, ...(transient && { transient }) };
      // The types know of no payload.
      const Session = provider().Session as unknown as new (payload: object) => ProviderSession;
      const session = new Session(kept);
      const ttl = sessionTtl(loginTs, lifetimes);
      await asVisitor(ctx, () => session.save(ttl));
      setCookie(ctx, session.jti, transient ? null : new Date(clock() + toMilliseconds(ttl)));
      return true;
    },
    listOf: records.sessionsOf,
    end: (accountId, uid) => sessionEnds.endOf(accountId, uid),
  };

  function setCookie(ctx: Context, id: string, expires: Date | null): void {
    const { name, options } = sessionCookie(issuer.startsWith('https:'));
    const { cookies } = provider().createContext(ctx.req, ctx.res);
    cookies.secure = options.secure;
    cookies.set(name, id, { ...options, ...(expires && { expires }) });
  }
}
