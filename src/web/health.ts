import Router from '@koa/router';
import type { RequestState } from './request-log.ts';

/** For whoever watches the process. These alone answer under any host name. */
export function healthRoutes({ isReady }: { isReady: () => Promise<boolean> }): Router {
  const router = new Router({ prefix: '/health' });
  router.get('/live', (ctx) => {
    (ctx.state as RequestState).route = '/health/live';
    ctx.body = { status: 'ok' };
  });
  router.get('/ready', async (ctx) => {
    (ctx.state as RequestState).route = '/health/ready';
    const ready = await isReady();
    ctx.status = ready ? 200 : 503;
    ctx.body = { status: ready ? 'ok' : 'unavailable' };
  });
  return router;
}
