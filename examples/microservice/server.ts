import Router from '@koa/router';
import Koa from 'koa';
import { createAccessTokens } from './access-token.ts';
import { requireScope } from './bearer.ts';
import { readJson } from './json-body.ts';
import { listen, type Running } from './listen.ts';
import { createNotes } from './notes.ts';
import { cors, jsonAnswers } from './responses.ts';
import { requireSecureUrl } from './secure-url.ts';

export interface MicroserviceOptions {
  issuer: string;
  /** This API's identifier: what `aud` must contain. */
  audience: string;
  /** 0, the default, takes a free port. */
  port?: number;
  /** Origins of browser applications that may call it. */
  allowedOrigins?: readonly string[];
  /** Seconds. */
  clockTolerance?: number;
  log?(line: string): void;
}

/** Needs no client id or secret: it only reads the issuer's discovery document and keys. */
export async function startMicroservice({
  issuer,
  audience,
  port = 0,
  allowedOrigins = [],
  clockTolerance = 5,
  log = console.error,
}: MicroserviceOptions): Promise<Running> {
  requireSecureUrl('issuer', issuer);
  const accessTokens = createAccessTokens({ issuer, audience, clockTolerance });
  const notes = createNotes();
  const router = new Router();

  router.get('/health', (ctx) => {
    ctx.body = { status: 'ok' };
  });

  router.get('/notes', async (ctx) => {
    const { sub } = await requireScope(ctx, accessTokens, 'notes:read');
    ctx.body = { notes: notes.list(sub) };
  });

  router.post('/notes', async (ctx) => {
    // Before the body is read: who may not write gets nothing read.
    const { sub } = await requireScope(ctx, accessTokens, 'notes:write');
    const note = notes.add(sub, await readJson(ctx, { limit: 4_096 }));
    ctx.status = 201;
    ctx.body = note;
  });

  const app = new Koa();
  app.use(jsonAnswers({ realm: audience, log }));
  app.use(cors(allowedOrigins));
  app.use(router.routes()).use(router.allowedMethods());

  return listen(port, () => app.callback());
}
