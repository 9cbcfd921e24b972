import type { Context } from 'koa';
import type { OwnActivity, OwnEvent, Place } from '../audit/activity.ts';
import { Refusal } from '../lib/errors.ts';
import type { Csrf } from '../web/csrf.ts';
import { partsOfName } from '../web/device.ts';
import type { Pages } from '../web/page.ts';
import { type Translate, textKeys } from '../web/texts.ts';
import { frame, type Part } from './section.ts';

const PER_PAGE = 50;

const WITH_WORDS = new Set(textKeys('en'));

export interface ActivityDeps {
  activity: OwnActivity;
  /** The name by which these pages themselves sign people in. */
  ownClientId: string;
  siteName: string;
  csrf: Csrf;
  pages: Pages;
}

export function createActivity({ activity, ownClientId, siteName, csrf, pages }: ActivityDeps): Part {
  function line(t: Translate, { at, event, outcome, by, factor, address, browser, clientId, application }: OwnEvent) {
    const known = browser === null ? null : partsOfName(browser);
    return {
      // What a newer program wrote has no words here.
      what: WITH_WORDS.has(`activity.${event}`) ? t(`activity.${event}`) : t('activity.other'),
      ...{ at: new Date(at).toISOString(), by, address },
      outcome: outcome === 'succeeded' ? null : t(`activity.outcome.${outcome}`),
      ...{ browser: known?.browser ?? null, system: known?.system ?? null },
      factor: factor !== null && WITH_WORDS.has(`activity.factor.${factor}`) ? t(`activity.factor.${factor}`) : null,
      application: clientId === ownClientId ? siteName : (application ?? clientId),
    };
  }

  return {
    sections: {
      activity: {
        fresh: false,
        async show(ctx, session) {
          const found = await activity.page(session.account.id, PER_PAGE + 1, placeIn(ctx));
          const shown = found.slice(0, PER_PAGE);
          const last = found.length > PER_PAGE ? shown.at(-1) : undefined;
          const t = pages.texts(ctx);
          pages.send(ctx, 'account-activity', {
            ...frame(csrf, session, 'activity'),
            events: shown.map((one) => line(t, one)),
            isFirst: ctx.query['before'] === undefined,
            olderHref: last ? `/account/activity?before=${last.at}.${last.id}` : null,
          });
        },
      },
    },
  };
}

/** Where the page before ended. Whose event that was does not matter: it is a time, and the reader's own come before it. */
function placeIn(ctx: Context): Place | null {
  const { before } = ctx.query;
  if (before === undefined) return null;
  const [, at, id] = (typeof before === 'string' && /^(\d{1,15})\.(evt_\w{22})$/.exec(before)) || [];
  if (at === undefined || id === undefined) throw new Refusal('not_found', 404);
  return { at: Number(at), id };
}
