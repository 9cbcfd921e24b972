import http, { type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import Router from '@koa/router';
import expressApp from 'express';
import fastifyApp from 'fastify';
import {
  callerOf,
  createResourceServer,
  express,
  expressRefusals,
  fastify,
  fetchHandler,
  koa,
  type ResourceServer,
  requirePermission,
} from 'gatewright-resource-server';
import Koa from 'koa';
import * as oauth from 'oauth4webapi';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bearer } from './call.ts';
import { accessToken, startIssuer, type TestIssuer } from './issuer.ts';

/** The same API in each framework: who calls, something that nobody may, and something that goes wrong. */
const APPS: Record<string, (api: ResourceServer) => Promise<RequestListener>> = {
  async koa(api) {
    const router = new Router();
    router.get('/v1/posts', (ctx) => {
      ctx.body = { sub: requirePermission(callerOf(ctx), 'posts:read').sub };
    });
    router.get('/v1/secrets', (ctx) => void requirePermission(callerOf(ctx), 'secrets:read', 'posts:read'));
    router.get('/v1/fault', () => {
      throw new Error('a fault');
    });
    const app = new Koa();
    app.silent = true;
    app.use(koa(api)).use(router.routes());
    return app.callback();
  },
  async express(api) {
    const app = expressApp();
    // Silent in tests alone.
    app.set('env', 'test');
    app.use(express(api));
    app.get('/v1/posts', (req, res) => void res.json({ sub: requirePermission(callerOf(req), 'posts:read').sub }));
    app.get('/v1/secrets', async (req) => void requirePermission(callerOf(req), 'secrets:read', 'posts:read'));
    app.get('/v1/fault', () => {
      throw new Error('a fault');
    });
    app.use(expressRefusals());
    return app;
  },
  async fastify(api) {
    const app = fastifyApp();
    app.addHook('onRequest', fastify(api));
    app.get('/v1/posts', async (request) => ({ sub: requirePermission(callerOf(request), 'posts:read').sub }));
    app.get('/v1/secrets', async (request) => requirePermission(callerOf(request), 'secrets:read', 'posts:read').sub);
    app.get('/v1/fault', async () => {
      throw new Error('a fault');
    });
    await app.ready();
    return (req, res) => app.routing(req, res);
  },
  async fetch(api) {
    const handle = fetchHandler(api, async (request, caller) => {
      const { pathname } = new URL(request.url);
      if (pathname === '/v1/fault') throw new Error('a fault');
      if (pathname === '/v1/posts') requirePermission(caller, 'posts:read');
      else requirePermission(caller, 'secrets:read', 'posts:read');
      return Response.json({ sub: caller.sub });
    });
    return async (req, res) => {
      const headers = new Headers();
      for (let at = 0; at < req.rawHeaders.length; at += 2)
        headers.append(req.rawHeaders[at] as string, req.rawHeaders[at + 1] as string);
      const request = new Request(`http://${req.headers.host}${req.url}`, { method: req.method ?? 'GET', headers });
      try {
        const response = await handle(request);
        res.writeHead(response.status, Object.fromEntries(response.headers)).end(await response.text());
      } catch {
        res.writeHead(500).end();
      }
    };
  },
};

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await startIssuer();
});
afterAll(() => issuer.close());

describe.each(Object.entries(APPS))('an API in %s', (_name, newApp) => {
  const server = http.createServer();
  let audience: string;
  let token: string;
  beforeAll(async () => {
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    audience = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
    const api = createResourceServer({
      ...{ issuer: issuer.issuer, audience, metadata: { name: 'Posts', permissions: ['posts:read'] } },
      dpop: { nonceSecret: 'a secret that all instances of this API share' },
    });
    server.on('request', await newApp(api));
    token = await accessToken(issuer, { aud: audience });
  });
  afterAll(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );

  const origin = () => new URL(audience).origin;
  const get = (path: string, headers: Record<string, string> = {}) => fetch(`${origin()}${path}`, { headers });
  const documentUrl = () => `${origin()}/.well-known/oauth-protected-resource/v1`;

  it('lets a good token through, and tells who calls', async () => {
    const response = await get('/v1/posts', bearer(token));
    expect([response.status, await response.json()]).toEqual([200, { sub: 'acc_1' }]);
  });

  it('asks for a token, and says where it is described (RFC 9728 5.1)', async () => {
    const response = await get('/v1/posts');
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe(
      `DPoP algs="ES256 EdDSA Ed25519", resource_metadata="${documentUrl()}", Bearer resource_metadata="${documentUrl()}"`,
    );
    expect(await response.json()).toEqual({ error: 'unauthorized', error_description: 'An access token is needed' });
  });

  it('refuses a bad token, also where nothing is', async () => {
    const bad = await accessToken(issuer);
    for (const path of ['/v1/posts', '/v1/nothing', '/']) {
      const response = await get(path, bearer(bad));
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toContain('Bearer error="invalid_token"');
    }
  });

  it('refuses what a handler refuses, with the challenge', async () => {
    const response = await get('/v1/secrets', bearer(token));
    expect(response.status).toBe(403);
    expect(response.headers.get('www-authenticate')).toContain(
      'error="insufficient_scope", error_description="The access token lacks secrets:read", scope="secrets:read posts:read"',
    );
    expect(JSON.stringify(await response.json())).toContain('The access token lacks secrets:read');
  });

  it('leaves a fault to the framework', async () => {
    expect((await get('/v1/fault', bearer(token))).status).toBe(500);
    expect((await get('/v1/fault')).status).toBe(401);
  });

  it('sees each of several Authorization headers', async () => {
    const authorization = [`Bearer ${token}`, `Bearer ${await accessToken(issuer)}`];
    const status = await new Promise((resolve, reject) => {
      const headers = authorization.flatMap((each) => ['Authorization', each]);
      http
        .get(`${origin()}/v1/posts`, { headers: ['Host', new URL(origin()).host, ...headers] }, (res) =>
          resolve(res.resume().statusCode),
        )
        .on('error', reject);
    });
    expect(status).toBe(400);
  });

  it('publishes what it says of itself to everybody, as a client library reads it', async () => {
    const resource = new URL(audience);
    const answer = await oauth.resourceDiscoveryRequest(resource, { [oauth.allowInsecureRequests]: true });
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    expect(await oauth.processResourceDiscoveryResponse(resource, answer)).toEqual({
      ...{ resource: audience, authorization_servers: [issuer.issuer], bearer_methods_supported: ['header'] },
      ...{ scopes_supported: ['posts:read'], resource_name: 'Posts' },
      dpop_signing_alg_values_supported: ['ES256', 'EdDSA', 'Ed25519'],
    });
    expect((await fetch(documentUrl(), { method: 'POST' })).status).toBe(401);
    expect((await fetch(`${documentUrl()}/x`)).status).toBe(401);
  });

  it('takes the proofs of a client library, nonce and all (RFC 9449)', async () => {
    const keys = await oauth.generateKeyPair('ES256', { extractable: true });
    const dpop = oauth.DPoP({}, keys);
    const bound = await accessToken(issuer, { aud: audience, cnf: { jkt: await dpop.calculateThumbprint() } });
    const request = () =>
      oauth.protectedResourceRequest(bound, 'GET', new URL(`${audience}/posts?page=2`), undefined, undefined, {
        ...{ DPoP: dpop, [oauth.allowInsecureRequests]: true },
      });
    const refused = await request().then(
      () => null,
      (err: unknown) => err,
    );
    expect(oauth.isDPoPNonceError(refused)).toBe(true);
    const response = await request();
    expect([response.status, await response.json()]).toEqual([200, { sub: 'acc_1' }]);
    expect(response.headers.get('dpop-nonce')).toMatch(/^[\w-]{43}$/);
    expect((await get('/v1/posts', bearer(bound))).status).toBe(401);
  });
});

it('an API in Fastify can be asked without a connection, as its tests do', async () => {
  const api = createResourceServer({ issuer: issuer.issuer, audience: 'https://api.example' });
  const app = fastifyApp();
  app.addHook('onRequest', fastify(api));
  app.get('/posts', async (request) => callerOf(request).sub);
  expect((await app.inject({ url: '/posts', headers: bearer(await accessToken(issuer)) })).body).toBe('acc_1');
  expect((await app.inject({ url: '/posts' })).statusCode).toBe(401);
});

it('nobody passes where the middleware is missing', () => {
  expect(() => callerOf({})).toThrow('put the middleware before this handler');
});

it('a document about an API without an address cannot be published', () => {
  for (const audience of ['urn:example:posts', 'posts', 'ftp://posts.example']) {
    expect(() => createResourceServer({ issuer: issuer.issuer, audience, metadata: true })).toThrow(
      'metadata needs an audience that is an https address',
    );
  }
});
