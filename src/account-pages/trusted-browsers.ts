import type { Context } from 'koa';
import type { Account } from '../accounts/account.ts';
import type { By } from '../lib/by.ts';
import type { Milliseconds } from '../lib/duration.ts';
import { Refusal } from '../lib/errors.ts';
import { partsOfName } from '../web/device.ts';
import { seeOther } from '../web/page.ts';
import { byVisitor } from '../web/request-log.ts';
import type { Part } from './section.ts';

/** Browsers that stand in for the second factor. Built in src/interaction/known-browser.ts. */
export interface TrustedBrowsers {
  trusted(ctx: Context, account: Account): Promise<TrustedBrowser[]>;
  /** @param id null: of all @returns false where there is no such trust */
  endTrust(account: Account, id: string | null, by: By): Promise<boolean>;
}

interface TrustedBrowser {
  id: string;
  browser: string | null;
  since: Milliseconds;
  until: Milliseconds;
  isThis: boolean;
}

/** For the page that lists them. */
export function shownTrust({ id, browser, since, until, isThis }: TrustedBrowser) {
  const parts = browser === null ? { browser: null, system: null } : partsOfName(browser);
  return { id, ...parts, since: new Date(since).toISOString(), until: new Date(until).toISOString(), isThis };
}

/** Ends the trust alone: it is less than a sign-out, and asks for no fresh proof, since it only makes signing in harder. */
export function createTrustedBrowsers({ knownBrowser }: { knownBrowser: TrustedBrowsers }): Part {
  return {
    actions: {
      'trusted-browsers/end': {
        ...{ fresh: false, on: 'sessions' },
        async submit(ctx, { account }, form) {
          const id = form.get('browser') ?? '';
          const ended = await knownBrowser.endTrust(account, id, byVisitor(ctx.state, account.id));
          // Somebody else's is as if there were none.
          if (!ended) throw new Refusal('not_found', 404);
          seeOther(ctx, '/account/sessions');
        },
      },
      'trusted-browsers/end-all': {
        ...{ fresh: false, on: 'sessions' },
        async submit(ctx, { account }) {
          await knownBrowser.endTrust(account, null, byVisitor(ctx.state, account.id));
          seeOther(ctx, '/account/sessions');
        },
      },
    },
  };
}
