import { type ConsentStore, mergeConsents } from '../consents/store.ts';
import { Refusal } from '../lib/errors.ts';
import { consentItems, type DescribeApi } from '../web/consent-items.ts';
import type { Csrf } from '../web/csrf.ts';
import { type Pages, seeOther } from '../web/page.ts';
import { byVisitor } from '../web/request-log.ts';
import type { KnownGrant, OwnAccess } from './own-session.ts';
import { frame, type Part } from './section.ts';

export interface ApplicationsDeps {
  access: OwnAccess;
  consents: ConsentStore;
  describeApi: DescribeApi;
  csrf: Csrf;
  pages: Pages;
}

export function createApplications({ access, consents, describeApi, csrf, pages }: ApplicationsDeps): Part {
  /** What was allowed, and what was given without being asked about: one entry each. */
  async function known(accountId: string): Promise<KnownGrant[]> {
    const all = new Map<string, KnownGrant>();
    for (const one of [...(await consents.listOf(accountId)), ...(await access.grantsOf(accountId))]) {
      const before = all.get(one.clientId);
      const since = Math.min(one.since, before?.since ?? one.since);
      all.set(one.clientId, { ...one, since, consent: mergeConsents(before?.consent ?? null, one.consent) });
    }
    return [...all.values()];
  }

  return {
    sections: {
      applications: {
        fresh: false,
        async show(ctx, session) {
          const t = pages.texts(ctx);
          const applications = [];
          for (const { clientId, since, consent } of await known(session.account.id)) {
            const application = await access.application(clientId);
            if (!application) continue;
            const may = await consentItems(consent, describeApi, t);
            applications.push({ ...application, clientId, since: new Date(since).toISOString(), may });
          }
          pages.send(ctx, 'account-applications', { ...frame(csrf, session, 'applications'), applications });
        },
      },
    },
    actions: {
      'applications/end': {
        ...{ fresh: false, on: 'applications' },
        async submit(ctx, { account }, form) {
          const clientId = form.get('application') ?? '';
          if (!(await known(account.id)).some((one) => one.clientId === clientId)) throw new Refusal('not_found', 404);
          // First what new grants would be made from.
          await consents.withdraw(account.id, clientId, byVisitor(ctx.state, account.id));
          await access.end(account.id, clientId);
          seeOther(ctx, '/account/applications');
        },
      },
    },
  };
}
