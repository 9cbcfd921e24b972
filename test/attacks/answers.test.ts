import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { basic, bearer, post } from '../support/endpoint.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { enter, type Tokens, type Visit, visit } from '../support/visit.ts';
import { CACHEABLE, ROUTES } from './routes.ts';

/*
 * The attacker shows our pages in a frame of theirs, has a browser take an answer for a script, reads addresses in a
 * Referer, or sits at the machine after somebody: what is shown to whoever is signed in is as strict as the rest.
 */

let server: TestServer;
let person: Visit;
let tokens: Tokens;
beforeAll(async () => {
  server = await startTestServer();
  person = await visit(server);
  tokens = await enter(person);
  expect((await person.agent.follow('/account')).status).toBe(200);
});
afterAll(() => server[Symbol.asyncDispose]());

function isStrict({ headers }: Pick<Response, 'headers'>): void {
  expect(headers.get('content-security-policy')).toMatch(/(^|;)frame-ancestors 'none'(;|$)/);
  expect(headers.get('x-frame-options')).toBe('DENY');
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('referrer-policy')).toMatch(/^(same-origin|no-referrer)$/);
}

describe('to whoever is signed in', () => {
  it.each(ROUTES)('%s can be framed by nobody and is kept by no cache', async (path) => {
    for (const method of ['GET', 'HEAD']) {
      const answer = await person.agent.request(path, { method });
      await answer.body?.cancel();
      isStrict(answer);
      expect(answer.status).toBeLessThan(500);
      expect(answer.headers.get('cache-control')).toBe(CACHEABLE[path] ?? 'no-store');
    }
  });

  it('all of that has ended nothing', async () => {
    expect((await person.agent.get('/account')).status).toBe(200);
  });
});

describe('what applications are told', () => {
  it('is as strict', async () => {
    const { access_token: token } = tokens;
    const headers = { ...basic(person.client) };
    const answers = {
      userinfo: await fetch(`${server.issuer}/oauth2/userinfo`, { headers: bearer(token) }),
      introspect: await post(server, '/oauth2/introspect', { token }, headers),
      token: await post(server, '/oauth2/token', { grant_type: 'authorization_code', code: 'x' }, headers),
    };
    const statuses = Object.values(answers).map(({ status }) => status);
    expect(statuses).toEqual([200, 200, 400]);
    for (const [name, answer] of Object.entries(answers)) {
      isStrict(answer);
      expect([name, answer.headers.get('cache-control')]).toEqual([name, 'no-store']);
    }
  });
});
