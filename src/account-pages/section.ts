import type { Context } from 'koa';
import type { Csrf } from '../web/csrf.ts';
import type { OwnSession } from './own-session.ts';

/** A page of somebody who is signed in. */
export interface Section {
  /** Nobody sees it who has not proved just now who they are. */
  fresh: boolean;
  show(ctx: Context, session: OwnSession): Promise<void>;
}

/** A form of such a page, with its token checked. */
export interface Action {
  fresh: boolean;
  /** The page that its button stands on: where a browser goes that had to sign in first. */
  on: string;
  submit(ctx: Context, session: OwnSession, form: URLSearchParams): Promise<void>;
}

/** By their addresses below /account. */
export interface Part {
  sections?: Record<string, Section>;
  actions?: Record<string, Action>;
}

/** A token is good for this session of this account. */
export function flowOf({ uid, account }: OwnSession): string {
  return `account/${uid}/${account.id}`;
}

/** What every page has around it. */
export function frame(csrf: Csrf, session: OwnSession, section: string) {
  return { csrf: csrf.token(flowOf(session)), accountEmail: session.account.email, section };
}
