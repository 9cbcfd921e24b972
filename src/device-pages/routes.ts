import Router from '@koa/router';
import type { Context } from 'koa';
import type { Audit } from '../audit/audit.ts';
import { MINUTE } from '../lib/duration.ts';
import { Refusal } from '../lib/errors.ts';
import type { Attempts } from '../limits/attempts.ts';
import type { Csrf } from '../web/csrf.ts';
import { readForm } from '../web/form.ts';
import { type Pages, seeOther, sendOn } from '../web/page.ts';
import { byVisitor, type RequestState } from '../web/request-log.ts';
import { tryLater } from '../web/try-later.ts';
import type { Problem } from '../web/view-data.ts';
import { createVisitCookie, type Visit } from '../web/visit-cookie.ts';
import { type AskingDevice, type Devices, shownCode, userCodeIn } from './device.ts';

export interface DeviceRoutesDeps {
  devices: Devices;
  attempts: Attempts;
  audit: Audit;
  csrf: Csrf;
  pages: Pages;
  https: boolean;
}

const PATH = '/device';
const DECISION = `${PATH}/decision`;

/**
 *   GET  /device            asks for the code that a device shows (RFC 8628 3.3)
 *   GET  /device?user_code= the same, filled in: nothing is looked up, and nothing is sent by itself (3.3.1)
 *   POST /device            shows which application on which device asks
 *   POST /device/decision   on to the sign-in, or the device is told no
 */
export function deviceRoutes({ devices, attempts, audit, csrf, pages, https }: DeviceRoutesDeps): Router {
  const router = new Router({ prefix: PATH });
  const visits = createVisitCookie({ name: 'gatewright-device', path: PATH, https, lifetime: 10 * MINUTE });
  const entryFlow = ({ id }: Visit) => `device/${id}`;
  // An answer is good for the device that was shown, and for no other.
  const decisionFlow = ({ id }: Visit, userCode: string) => `device/${id}/${userCode}`;

  function visitOf(ctx: Context): Visit {
    const visit = visits.known(ctx);
    if (!visit) throw new Refusal('flow_expired', 400);
    return visit;
  }

  function askForCode(ctx: Context, visit: Visit, userCode: string, problem: Problem = null, status = 200): void {
    const own = { action: PATH, csrf: csrf.token(entryFlow(visit)) };
    pages.send(ctx, 'device-code', { ...own, userCode: userCode.slice(0, 20), problem }, { status });
  }

  async function askForDecision(ctx: Context, visit: Visit, device: AskingDevice, accountEmail: string | null) {
    const { userCode, client, browser, system, address, askedAt } = device;
    pages.send(ctx, 'device-confirm', {
      ...{ action: DECISION, csrf: csrf.token(decisionFlow(visit, userCode)), client },
      ...{ userCode: shownCode(userCode), browser, system, address, accountEmail },
      askedAt: new Date(askedAt).toISOString(),
    });
  }

  router.use((ctx, next) => {
    mark(ctx, PATH);
    ctx.set('Cache-Control', 'no-store');
    return next();
  });

  router.get('/', (ctx) => {
    const { user_code: given } = ctx.query;
    if (given !== undefined) {
      ctx.set('Referrer-Policy', 'no-referrer');
      visits.begin(ctx, (typeof given === 'string' && userCodeIn(given)) || '');
      return seeOther(ctx, PATH);
    }
    const visit = visits.begin(ctx, visits.known(ctx)?.token ?? '');
    askForCode(ctx, visit, visit.token && shownCode(visit.token));
  });

  router.post('/', async (ctx) => {
    const visit = visitOf(ctx);
    const form = await readForm(ctx);
    csrf.check(ctx, entryFlow(visit), form);
    const t = pages.texts(ctx);
    const typed = (form.get('user_code') ?? '').trim();
    const userCode = userCodeIn(typed);
    if (!userCode) return askForCode(ctx, visit, typed, { field: 'code', text: t('problem.user-code-shape') }, 422);

    const account = await devices.visitor(ctx);
    const { address } = ctx.state as RequestState;
    let attempt: Awaited<ReturnType<Attempts['userCode']>>;
    try {
      attempt = await attempts.userCode(address, account?.id ?? null);
    } catch (err) {
      return askForCode(ctx, visit, typed, ...tryLater(ctx, t, err));
    }
    const device = await devices.find(userCode);
    if (!device) {
      const by = byVisitor(ctx.state, account?.id ?? 'visitor');
      await audit.write({ event: 'device.code_wrong', accountId: account?.id ?? null }, by);
      return askForCode(ctx, visit, typed, { field: 'code', text: t('problem.user-code') }, 422);
    }
    await attempt.succeeded();
    await askForDecision(ctx, visit, device, account?.email ?? null);
  });

  // Whoever loads the page again that an answer was given on.
  router.get('/decision', (ctx) => seeOther(ctx, PATH));

  router.post('/decision', async (ctx) => {
    mark(ctx, DECISION);
    const visit = visitOf(ctx);
    const form = await readForm(ctx);
    const userCode = userCodeIn(form.get('user_code') ?? '') ?? '';
    csrf.check(ctx, decisionFlow(visit, userCode), form);
    const device = await devices.find(userCode);
    const t = pages.texts(ctx);
    const tooLate = () => askForCode(ctx, visit, '', { field: 'code', text: t('problem.user-code') }, 422);
    if (!device) return tooLate();

    // Nothing but the button that says so allows anything.
    if (form.get('decision') === 'allow') {
      const href = await devices.begin(ctx, device);
      if (!href) return tooLate();
      visits.end(ctx);
      return sendOn(pages, ctx, href);
    }
    if (!(await devices.deny(device))) return tooLate();
    const account = await devices.visitor(ctx);
    const event = { event: 'device.denied', accountId: account?.id ?? null, clientId: device.client.id } as const;
    await audit.write(event, byVisitor(ctx.state, account?.id ?? 'visitor'));
    visits.end(ctx);
    const paragraphs = [t('notice.device-denied.what'), t('notice.device-denied.hint')];
    pages.send(ctx, 'notice', { title: t('notice.device-denied.heading'), paragraphs, next: null });
  });
  return router;
}

function mark(ctx: Context, route: string): void {
  (ctx.state as RequestState).route = route;
}
