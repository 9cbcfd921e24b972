import { Readable } from 'node:stream';
import type { Audit } from '../audit/audit.ts';
import type { Clock } from '../lib/clock.ts';
import type { Attempts } from '../limits/attempts.ts';
import { accountDocument } from '../own-data/account-document.ts';
import type { KeptData } from '../own-data/kept-data.ts';
import type { Csrf } from '../web/csrf.ts';
import type { Pages } from '../web/page.ts';
import { byVisitor } from '../web/request-log.ts';
import { tryLater } from '../web/try-later.ts';
import { frame, type Part } from './section.ts';

export interface ExportDeps {
  kept: KeptData;
  audit: Audit;
  attempts: Attempts;
  issuer: string;
  csrf: Csrf;
  pages: Pages;
  clock: Clock;
}

/** Everything at once is what a thief of a session would like best, so it asks for fresh proof. */
export function createExport({ kept, audit, attempts, issuer, csrf, pages, clock }: ExportDeps): Part {
  return {
    sections: {
      export: {
        fresh: true,
        async show(ctx, session) {
          pages.send(ctx, 'account-export', { ...frame(csrf, session, 'export'), action: EXPORT, problem: null });
        },
      },
    },
    actions: {
      export: {
        ...{ fresh: true, on: 'export' },
        async submit(ctx, session, _form) {
          const { account } = session;
          try {
            // One reads the whole trail of the account.
            await attempts.own('export', account.id);
          } catch (err) {
            const [problem, status] = tryLater(ctx, pages.texts(ctx), err);
            const data = { ...frame(csrf, session, 'export'), action: EXPORT, problem };
            return pages.send(ctx, 'account-export', data, { status });
          }
          // Before the first byte: who breaks off in the middle has it all the same.
          await audit.write({ event: 'account.exported', accountId: account.id }, byVisitor(ctx.state, account.id));
          const at = clock();
          ctx.type = 'application/json';
          ctx.set('Cache-Control', 'no-store');
          ctx.set(
            'Content-Disposition',
            `attachment; filename="gatewright-account-${new Date(at).toISOString().slice(0, 10)}.json"`,
          );
          ctx.body = Readable.from(accountDocument(kept, account, { issuer, at }));
        },
      },
    },
  };
}

const EXPORT = '/account/export';
