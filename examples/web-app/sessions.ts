import { randomBytes } from 'node:crypto';
import type { Context } from 'koa';
import type { UserInfoResponse } from 'openid-client';
import type { CarefulAction } from './api.ts';
import type { LogoutOrder } from './logout-token.ts';
import type { ApiAnswer } from './pages.ts';
import type { Departure, Tokens } from './relying-party.ts';

const MINUTE = 60_000; // milliseconds
const LIFETIME = 8 * 60 * MINUTE;
const DEPARTURE_LIFETIME = 15 * MINUTE;
const MOST_DEPARTURES = 10; // open tabs that are signing in
const MOST_SESSIONS = 10_000;

export interface SignIn {
  tokens: Tokens;
  /** From userinfo at sign-in: profile claims need not be in the ID token. */
  profile: UserInfoResponse | null;
  refreshed: number;
  /** One refresh at a time: two with the same refresh token would look like theft. */
  refreshing: Promise<void> | null;
  /** What the API said when it was asked again, after this sign-in. */
  apiAnswer: ApiAnswer | null;
}

/** What the person wanted when the API sent them to sign in again. */
export interface Errand {
  action: CarefulAction;
  sub: string;
}

type Leaving = Departure & { errand: Errand | null };

export interface Session {
  id: string;
  expires: number;
  departures: Map<string, Leaving & { expires: number }>;
  signIn: SignIn | null;
}

export type Sessions = ReturnType<typeof createSessions>;

/** This application's own sessions, in memory. The cookie carries a random id and nothing else. */
export function createSessions({ cookieName, secure }: { cookieName: string; secure: boolean }) {
  const byId = new Map<string, Session>();

  function find(ctx: Context): Session | null {
    const session = byId.get(ctx.cookies.get(cookieName) ?? '');
    if (!session) return null;
    if (session.expires > Date.now()) return session;
    byId.delete(session.id);
    return null;
  }

  function start(ctx: Context, signIn: SignIn | null = null): Session {
    prune();
    const id = randomBytes(32).toString('base64url');
    const session: Session = { id, expires: Date.now() + LIFETIME, departures: new Map(), signIn };
    byId.set(id, session);
    setCookie(ctx, id);
    return session;
  }

  function rememberDeparture(session: Session, departure: Departure, errand: Errand | null = null): void {
    const oldest = session.departures.keys().next().value;
    if (session.departures.size >= MOST_DEPARTURES && oldest) session.departures.delete(oldest);
    session.departures.set(departure.state, { ...departure, errand, expires: Date.now() + DEPARTURE_LIFETIME });
  }

  /** Each departure has one way back. */
  function takeDeparture(session: Session | null, state: string): Leaving | null {
    const departure = session?.departures.get(state);
    if (!session || !departure) return null;
    session.departures.delete(state);
    return departure.expires > Date.now() ? departure : null;
  }

  /** A new id at sign-in: one that was planted before is worth nothing after (session fixation). */
  function signIn(ctx: Context, before: Session | null, tokens: Tokens, profile: UserInfoResponse | null): SignIn {
    if (before) byId.delete(before.id);
    const signIn: SignIn = { tokens, profile, refreshed: 0, refreshing: null, apiAnswer: null };
    start(ctx, signIn);
    return signIn;
  }

  function end(ctx: Context, session: Session): void {
    byId.delete(session.id);
    setCookie(ctx, null);
  }

  /**
   * Ends what the provider orders: one sign-in by `sid`, or all of a subject. Returns how many. Departures stay: when
   * another person takes over at the provider, the order about the first one overtakes the second one's way back.
   */
  function endOrdered({ sid, sub }: LogoutOrder): number {
    let ended = 0;
    for (const session of byId.values()) {
      if (!session.signIn) continue;
      const { claims } = session.signIn.tokens;
      if ((sid !== null && claims['sid'] !== sid) || (sub !== null && claims.sub !== sub)) continue;
      session.signIn = null;
      ended += 1;
    }
    return ended;
  }

  function prune(): void {
    for (const [id, { expires }] of byId) if (expires <= Date.now()) byId.delete(id);
    const oldest = byId.keys().next().value;
    if (byId.size >= MOST_SESSIONS && oldest) byId.delete(oldest);
  }

  function setCookie(ctx: Context, value: string | null): void {
    ctx.cookies.secure = secure; // behind a TLS proxy the connection itself is plain
    ctx.cookies.set(cookieName, value, { httpOnly: true, sameSite: 'lax', secure, path: '/', overwrite: true });
  }
  return { find, start, rememberDeparture, takeDeparture, signIn, end, endOrdered };
}
