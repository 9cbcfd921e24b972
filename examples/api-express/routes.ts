import { json, type RequestHandler, Router } from 'express';
import { callerOf, requireAcr, requireFreshAuth, requirePermission, requireRole } from 'gatewright-resource-server';
import type { Posts } from './posts.ts';
import { Problem } from './problem.ts';

/** How strongly somebody must have signed in who publishes, the level to ask for first. */
const TWO_FACTORS = ['urn:gatewright:acr:two-factor', 'urn:gatewright:acr:phishing-resistant'] as const;

/** @param freshFor seconds since the sign-in of somebody who deletes everything */
export function postRoutes({ posts, freshFor }: { posts: Posts; freshFor: number }): Router {
  const router = Router();

  router.get('/posts', (req, res) => {
    const { sub } = requirePermission(callerOf(req), 'posts:read');
    res.json({ posts: posts.of(sub) });
  });

  router.get('/posts/:id', (req, res) => {
    const { sub } = requirePermission(callerOf(req), 'posts:read');
    res.json(posts.ownOf(sub, req.params.id));
  });

  const mayWrite: RequestHandler = (req, _res, next) => {
    requirePermission(callerOf(req), 'posts:write');
    next();
  };
  // Before the body is read: who may not write gets nothing read.
  router.post('/posts', mayWrite, json({ limit: '4kb' }), (req, res) => {
    res.status(201).json(posts.add(callerOf(req).sub, req.body));
  });

  router.post('/posts/:id/publication', (req, res) => {
    const { sub } = requireAcr(requirePermission(callerOf(req), 'posts:write'), ...TWO_FACTORS);
    const post = posts.ownOf(sub, req.params.id);
    post.published = true;
    res.json(post);
  });

  router.delete('/posts/:id', (req, res) => {
    const caller = callerOf(req);
    if (!caller.permissions.includes('posts:delete')) {
      // Whoever may delete their own alone does not learn what others have.
      posts.ownOf(requirePermission(caller, 'posts:delete:own').sub, req.params.id);
    }
    if (!posts.remove(req.params.id)) throw new Problem(404, 'not_found', 'There is no such post');
    res.status(204).end();
  });

  router.delete('/posts', (req, res) => {
    const { sub } = requireFreshAuth(requirePermission(callerOf(req), 'posts:delete:own'), freshFor);
    for (const { id } of posts.of(sub)) posts.remove(id);
    res.status(204).end();
  });

  router.get('/moderation', (req, res) => {
    requireRole(requirePermission(callerOf(req), 'posts:read'), 'moderator');
    res.json({ posts: posts.all() });
  });
  return router;
}
