import { existsSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import * as openid from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { addRole, type TestApi } from '../support/apis.ts';
import { freePort } from '../support/free-port.ts';
import { type Program, startProgram } from '../support/program.ts';
import { startTestServer, type TestClient, type TestServer } from '../support/server.ts';
import { enter, type Visit, visit } from '../support/visit.ts';

const EXAMPLES = path.join(import.meta.dirname, '../../examples');
const AUDIENCE = 'https://posts.example/v1';
const PERMISSIONS = ['posts:read', 'posts:write', 'posts:delete:own', 'posts:delete'];
const OWN = PERMISSIONS.slice(0, 3);
const hasPython = (process.env['PATH'] ?? '').split(':').some((each) => existsSync(`${each}/python3`));

let server: TestServer;
let api: TestApi;
let program: Program;
let url: string;

beforeAll(async () => {
  server = await startTestServer({ SECOND_FACTOR: 'optional' });
  api = (await server.addClient('resource', { audience: AUDIENCE, scopes: PERMISSIONS })) as TestApi;
  program = startProgram(process.execPath, [path.join(EXAMPLES, 'api-express/main.ts')], {
    ...{ ISSUER: server.issuer, AUDIENCE, PORT: String(await freePort()) },
    ...{ INTROSPECTION_CLIENT_ID: api.id, INTROSPECTION_CLIENT_SECRET: api.secret },
  });
  [, url = ''] = await program.says(/posts API on (\S+),/);
});
afterAll(async () => {
  await program.stop();
  await server[Symbol.asyncDispose]();
});

async function call(token: string | null, method: string, where: string, text?: string) {
  const response = await fetch(`${url}${where}`, {
    method,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(text !== undefined && { 'content-type': 'application/json' }),
    },
    ...(text !== undefined && { body: JSON.stringify({ text }) }),
  });
  const body = await response.json().catch(() => null);
  return { status: response.status, body, challenge: response.headers.get('www-authenticate') };
}

async function machine(scopes = OWN): Promise<{ client: TestClient; token: string }> {
  const client = await server.addClient('service', { scopes, audiences: [AUDIENCE] });
  const execute = [openid.allowInsecureRequests];
  const config = await openid.discovery(new URL(server.issuer), client.id, client.secret, undefined, { execute });
  const tokens = await openid.clientCredentialsGrant(config, { resource: AUDIENCE, scope: scopes.join(' ') });
  return { client, token: tokens.access_token };
}

async function person(scopes = OWN): Promise<Visit & { token: string }> {
  const visited = await visit(server, { scopes: ['openid', ...scopes], audiences: [AUDIENCE] });
  const tokens = await enter(visited, { scope: ['openid', ...scopes].join(' ') });
  return { ...visited, token: tokens.access_token };
}

describe('the API of the examples', () => {
  it('says what it is, to everybody (RFC 9728)', async () => {
    const { status, body } = await call(null, 'GET', '/.well-known/oauth-protected-resource/v1');
    expect([status, body]).toEqual([
      200,
      {
        ...{ resource: AUDIENCE, authorization_servers: [server.issuer], bearer_methods_supported: ['header'] },
        ...{ scopes_supported: PERMISSIONS, resource_name: 'Posts API' },
      },
    ]);
    expect((await call(null, 'GET', '/health')).status).toBe(200);
    const { status: refused, challenge } = await call(null, 'GET', '/posts');
    expect([refused, challenge]).toEqual([401, expect.stringContaining('/.well-known/oauth-protected-resource/v1"')]);
  });

  it('keeps posts for whoever wrote them, and what is not yours is not there', async () => {
    const [mine, theirs] = [await person(), await machine()];
    const { status, body: post } = await call(mine.token, 'POST', '/posts', 'of mine');
    expect([status, post.owner]).toEqual([201, mine.account.id]);
    expect((await call(mine.token, 'GET', `/posts/${post.id}`)).body).toEqual(post);
    expect((await call(theirs.token, 'GET', '/posts')).body).toEqual({ posts: [] });
    const nowhere = await call(theirs.token, 'GET', '/posts/no-such-post');
    for (const method of ['GET', 'DELETE']) {
      expect(await call(theirs.token, method, `/posts/${post.id}`)).toEqual(nowhere);
    }
    expect(nowhere.status).toBe(404);
    expect((await call(mine.token, 'DELETE', `/posts/${post.id}`)).status).toBe(204);
  });

  it('asks for the permission of each operation, and names it', async () => {
    const reader = await machine(['posts:read']);
    for (const [method, where, scope] of [
      ['POST', '/posts', 'posts:write'],
      ['DELETE', '/posts/x', 'posts:delete:own'],
      ['DELETE', '/posts', 'posts:delete:own'],
    ] as const) {
      const refused = await call(reader.token, method, where, method === 'POST' ? 'x' : undefined);
      expect([refused.status, refused.body.error]).toEqual([403, 'insufficient_scope']);
      expect(refused.challenge).toContain(`scope="${scope}"`);
    }
  });

  it('lets whoever may delete everything delete what is not theirs', async () => {
    const [author, moderator] = [await machine(), await machine(['posts:delete'])];
    const { body } = await call(author.token, 'POST', '/posts', 'to be removed');
    expect((await call(moderator.token, 'DELETE', `/posts/${body.id}`)).status).toBe(204);
    expect((await call(author.token, 'GET', `/posts/${body.id}`)).status).toBe(404);
  });

  it('shows everything to moderators, who are asked by their role', async () => {
    const outsider = await person();
    expect((await call(outsider.token, 'GET', '/moderation')).status).toBe(403);
    await addRole(server, api, 'moderator', { permissions: [], accounts: [outsider.account.id] });
    // At once, since it asks the issuer about each token.
    expect((await call(outsider.token, 'GET', '/moderation')).status).toBe(200);
  });

  it('wants a fresh sign-in for what is dangerous, and a strong one to publish', async () => {
    const someone = await person();
    const { body } = await call(someone.token, 'POST', '/posts', 'x');
    const published = await call(someone.token, 'POST', `/posts/${body.id}/publication`);
    expect(published).toMatchObject({ status: 401, body: { error: 'insufficient_user_authentication' } });
    expect(published.challenge).toContain('acr_values="urn:gatewright:acr:two-factor ');
    expect((await call(someone.token, 'DELETE', '/posts')).status).toBe(204);
    const machineToken = (await machine()).token;
    const refused = await call(machineToken, 'DELETE', '/posts');
    expect([refused.status, refused.challenge]).toEqual([401, expect.stringContaining('max_age="300"')]);
  });

  it('hears at once that access has ended', async () => {
    const someone = await person();
    expect((await call(someone.token, 'GET', '/posts')).status).toBe(200);
    await server.app.stores.accounts.signOut(someone.account.id, BY_OPERATOR);
    expect((await call(someone.token, 'GET', '/posts')).status).toBe(401);
  });

  it('takes nothing but small JSON', async () => {
    const { token } = await machine();
    expect((await call(token, 'POST', '/posts', 'x'.repeat(5_000))).status).toBe(413);
    expect((await call(token, 'POST', '/posts', '')).body.error).toBe('invalid_request');
    expect((await call(token, 'GET', '/nothing-here')).status).toBe(404);
    expect(program.said()).not.toContain('could not answer');
  });
});

describe.skipIf(!hasPython)('the client of the examples, in Python', () => {
  async function python({ id, secret, settings }: TestClient, ...args: string[]) {
    const run = startProgram('python3', ['-I', path.join(EXAMPLES, 'api-client/client.py'), ...args], {
      ...{ ISSUER: server.issuer, API_URL: url, RESOURCE: AUDIENCE },
      ...{ CLIENT_ID: id, CLIENT_SECRET: secret, SCOPE: settings.scopes.join(' ') },
    });
    return { status: await run.ended, said: run.said() };
  }

  it('adds, lists and deletes posts with tokens of its own', async () => {
    const { client } = await machine();
    const added = await python(client, 'add', 'from Python: ü');
    expect(added.status, added.said).toBe(0);
    const { id, owner } = JSON.parse(added.said);
    expect(owner).toBe(client.id);
    expect(JSON.parse((await python(client, 'list')).said)).toMatchObject({ posts: [{ id, text: 'from Python: ü' }] });
    expect(await python(client, 'delete', id)).toEqual({ status: 0, said: 'deleted\n' });
  });

  it('says what was refused: for lack of a permission, for not being its own, for a wrong secret', async () => {
    const author = await machine();
    const { body } = await call(author.token, 'POST', '/posts', 'of another');
    const reader = (await machine(['posts:read'])).client;
    expect(await python(reader, 'add', 'x')).toEqual({
      ...{ status: 1, said: 'refused: The access token lacks posts:write (403)\n' },
    });
    const other = (await machine()).client;
    expect(await python(other, 'delete', body.id)).toEqual({
      ...{ status: 1, said: 'refused: There is no such post (404)\n' },
    });
    const { status, said } = await python({ ...other, secret: 'wrong' }, 'list');
    expect([status, said]).toEqual([1, expect.stringMatching(/^refused: no token: .* \(401\)\n$/)]);
    expect(said).not.toContain('wrong');
  });
});
