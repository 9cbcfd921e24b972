import Router from '@koa/router';
import {
  callerOf,
  createResourceServer,
  koa,
  requireAcr,
  requireFreshAuth,
  requirePermission,
} from 'gatewright-resource-server';
import Koa from 'koa';
import { readJson } from './json-body.ts';
import { listen, type Running } from './listen.ts';
import { createNotes } from './notes.ts';
import { cors, jsonAnswers } from './responses.ts';

export interface MicroserviceOptions {
  issuer: string;
  /** This API's identifier, an address: what `aud` must contain. */
  audience: string;
  /** 0, the default, takes a free port. */
  port?: number;
  /** Origins of browser applications that may call it. */
  allowedOrigins?: readonly string[];
  /** Seconds. */
  clockTolerance?: number;
  /** How long ago somebody may have signed in who forgets everything. */
  freshFor?: number;
  log?(line: string): void;
}

/** How strongly somebody must have signed in who takes everything along, the level to ask for first. */
const TWO_FACTORS = ['urn:gatewright:acr:two-factor', 'urn:gatewright:acr:phishing-resistant'] as const;

/** Needs no client id or secret: it only reads the issuer's discovery document and keys. */
export async function startMicroservice({
  issuer,
  audience,
  port = 0,
  allowedOrigins = [],
  clockTolerance = 5,
  freshFor = 300,
  log = console.error,
}: MicroserviceOptions): Promise<Running> {
  const resourceServer = createResourceServer({
    ...{ issuer, audience, clockTolerance },
    metadata: { name: 'Notes API', permissions: ['notes:read', 'notes:write'] },
    report: (problem) => log(`the issuer cannot be asked: ${problem.message} ${String(problem.cause ?? '')}`),
  });
  const notes = createNotes();
  const open = new Router();
  const guarded = new Router();

  open.get('/health', (ctx) => {
    ctx.body = { status: 'ok' };
  });

  guarded.get('/notes', (ctx) => {
    const { sub } = requirePermission(callerOf(ctx), 'notes:read');
    ctx.body = { notes: notes.list(sub) };
  });

  guarded.post('/notes', async (ctx) => {
    // Before the body is read: who may not write gets nothing read.
    const { sub } = requirePermission(callerOf(ctx), 'notes:write');
    ctx.body = notes.add(sub, await readJson(ctx, { limit: 4_096 }));
    ctx.status = 201;
  });

  guarded.delete('/notes', (ctx) => {
    const { sub } = requireFreshAuth(requirePermission(callerOf(ctx), 'notes:write'), freshFor);
    notes.clear(sub);
    ctx.status = 204;
  });

  guarded.get('/notes/export', (ctx) => {
    const { sub } = requireAcr(requirePermission(callerOf(ctx), 'notes:read'), ...TWO_FACTORS);
    ctx.attachment('notes.json');
    ctx.body = { notes: notes.list(sub) };
  });

  const app = new Koa();
  app.use(jsonAnswers({ log }));
  app.use(cors(allowedOrigins));
  app.use(open.routes());
  app.use(koa(resourceServer));
  app.use(guarded.routes()).use(guarded.allowedMethods());

  return listen(port, () => app.callback());
}
