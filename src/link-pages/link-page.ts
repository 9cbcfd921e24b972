import type { Context } from 'koa';
import type { MailedLink } from '../links/link.ts';

/** A link that this browser has opened. */
export interface OpenedLink {
  link: MailedLink;
  /** By which a change spends it. */
  tokenHash: string;
  csrf: string;
}

/** What one purpose shows and does. Looking spends nothing: programs that read mail open links, and send no forms. */
export interface LinkPage {
  show(ctx: Context, opened: OpenedLink): Promise<void>;
  /** The form, with its token checked. @returns whether the link was spent, and the browser has no more use for it */
  submit(ctx: Context, opened: OpenedLink, form: URLSearchParams): Promise<boolean>;
}
