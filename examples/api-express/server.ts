import createApp, { type ErrorRequestHandler } from 'express';
import { createResourceServer, express, expressRefusals, type IntrospectionOptions } from 'gatewright-resource-server';
import { listen, type Running } from './listen.ts';
import { createPosts } from './posts.ts';
import { Problem } from './problem.ts';
import { postRoutes } from './routes.ts';

export interface PostsApiOptions {
  issuer: string;
  /** This API's identifier, an address: what `aud` must contain. */
  audience: string;
  /** 0, the default, takes a free port. */
  port?: number;
  /** How long ago somebody may have signed in who deletes everything, in seconds. */
  freshFor?: number;
  /** As which client this API asks the issuer about each token. Without it, tokens are good until they expire. */
  introspection?: IntrospectionOptions;
  log?(line: string): void;
}

export const PERMISSIONS = ['posts:read', 'posts:write', 'posts:delete:own', 'posts:delete'];

export async function startPostsApi(options: PostsApiOptions): Promise<Running> {
  const { issuer, audience, port = 0, freshFor = 300, introspection, log = console.error } = options;
  const resourceServer = createResourceServer({
    ...{ issuer, audience },
    ...(introspection && { introspection }),
    metadata: { name: 'Posts API', permissions: PERMISSIONS },
    report: (problem) => log(`the issuer cannot be asked: ${problem.message} ${String(problem.cause ?? '')}`),
  });

  const app = createApp();
  app.disable('x-powered-by');
  app.use((_req, res, next) => {
    res.set({ 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' });
    next();
  });
  app.get('/health', (_req, res) => {
    res.json({ status: 'ok' });
  });
  app.use(express(resourceServer));
  app.use(postRoutes({ posts: createPosts(), freshFor }));
  app.use(() => {
    throw new Problem(404, 'not_found', 'There is nothing here');
  });
  app.use(expressRefusals());
  app.use(problems(log));
  return listen(port, () => app);
}

/** Express and its body parser mark what is the caller's fault by a status below 500. */
function problems(log: (line: string) => void): ErrorRequestHandler {
  return (err, _req, res, next) => {
    if (res.headersSent) return next(err);
    const { status = 500 } = err as { status?: number };
    const isOurs = err instanceof Problem;
    if (status >= 500) log(`could not answer: ${String(err)}`);
    const error = isOurs ? err.code : status >= 500 ? 'server_error' : 'invalid_request';
    const description = isOurs ? err.message : status >= 500 ? 'The API cannot answer now' : 'Send JSON, 4 KiB at most';
    res.status(status).json({ error, error_description: description });
  };
}
