import * as openid from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { basic, post } from '../support/endpoint.ts';
import { send } from '../support/raw.ts';
import { CALLBACK } from '../support/relying-party.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { signIn } from '../support/sign-in.ts';
import { slowLooks } from '../support/slow-looks.ts';
import { racers } from '../support/stores.ts';
import { turnClocks } from '../support/time.ts';
import { createUserAgent, type Page } from '../support/user-agent.ts';
import { enter, told, type Visit, visit } from '../support/visit.ts';

const VERIFIER = 'v'.repeat(43);

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ SECOND_FACTOR: 'optional' });
});
afterAll(() => server[Symbol.asyncDispose]());

async function push({ client }: Visit, changes: Record<string, string> = {}) {
  const isPublic = client.settings.authMethod === 'none';
  const parameters = {
    ...{ response_type: 'code', client_id: client.id, redirect_uri: CALLBACK, scope: 'openid', state: 'pushed' },
    ...{ code_challenge: await openid.calculatePKCECodeChallenge(VERIFIER), code_challenge_method: 'S256' },
    ...changes,
  };
  const answer = await post(server, '/oauth2/par', parameters, isPublic ? {} : basic(client));
  return { answer, requestUri: String(answer.body['request_uri']) };
}

const addressOf = ({ client }: Visit, requestUri: string, more: Record<string, string> = {}) =>
  `/oauth2/authorize?${new URLSearchParams({ client_id: client.id, request_uri: requestUri, ...more })}`;

const errorOf = (page: Page) =>
  page.url.startsWith(CALLBACK) ? told(page).error : /invalid_[a-z_]+/.exec(page.html)?.[0];

describe('a pushed authorization request (RFC 9126)', () => {
  it.each(['web', 'spa'] as const)('leads a %s client to a code, by a library that we did not write', async (type) => {
    const person = await visit(server, { type });
    const authorization = await person.party.authorization();
    const pushed = await openid.buildAuthorizationUrlWithPAR(
      person.party.config,
      new URL(authorization.url).searchParams,
    );
    expect([...pushed.searchParams.keys()].sort()).toEqual(['client_id', 'request_uri']);
    const back = await signIn(person.agent, await person.agent.follow(pushed.href), person.account);
    const tokens = await person.party.redeem(back, authorization);
    expect(tokens.claims()?.sub).toBe(person.account.id);
  });

  it('needs the client’s own proof', async () => {
    const person = await visit(server);
    const parameters = { response_type: 'code', client_id: person.client.id, redirect_uri: CALLBACK };
    expect(await post(server, '/oauth2/par', parameters)).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
    });
    const wrong = basic({ id: person.client.id, secret: 'x' });
    expect(await post(server, '/oauth2/par', parameters, wrong)).toMatchObject({ status: 401 });
  });

  it('is judged when it is pushed', async () => {
    const person = await visit(server);
    for (const changes of [
      ...[{ redirect_uri: 'https://evil.example' }, { code_challenge_method: 'plain' }, { request_uri: 'urn:x' }],
      ...[{ response_type: 'token' }, { scope: 'openid openid"' }],
    ] as Record<string, string>[]) {
      const { answer } = await push(person, changes);
      expect(answer.status, JSON.stringify(changes)).toBe(400);
    }
  });

  it.each([false, true])('is 16 KB at most, also from who proves nothing (in pieces: %s)', async (chunked) => {
    const { client } = await visit(server, { type: 'spa' });
    const pushOf = (state: string) =>
      send(server, {
        ...{ method: 'POST', target: '/oauth2/par', chunked },
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({
          ...{ response_type: 'code', client_id: client.id, redirect_uri: CALLBACK, scope: 'openid', state },
          ...{ code_challenge: 'c'.repeat(43), code_challenge_method: 'S256' },
        }).toString(),
      });
    expect((await pushOf('x'.repeat(10_000))).status).toBe(201);
    expect((await pushOf('x'.repeat(16_400))).status).toBe(413);
    expect((await pushOf('x'.repeat(80_000))).status).toBe(413);
  });

  it('is all that counts: what stands beside it in the address is ignored', async () => {
    const person = await visit(server);
    await enter(person);
    const { requestUri } = await push(person);
    const beside = { state: 'from-the-address', redirect_uri: 'https://evil.example', scope: 'openid email' };
    expect(told(await person.agent.follow(addressOf(person, requestUri, beside)))).toMatchObject({ state: 'pushed' });
  });

  it('is of no use to another client', async () => {
    const person = await visit(server);
    const other = await visit(server);
    await enter(other);
    const { requestUri } = await push(person);
    expect(errorOf(await other.agent.follow(addressOf(other, requestUri)))).toMatch(/^invalid_request/);
  });

  it('is of no use when its client was disabled meanwhile', async () => {
    const person = await visit(server);
    await enter(person);
    const { requestUri } = await push(person);
    await server.app.stores.clients.setStatus(person.client.id, 'disabled', BY_OPERATOR);
    expect(errorOf(await person.agent.follow(addressOf(person, requestUri)))).toBe('invalid_client');
  });

  it('is good for one use', async () => {
    const person = await visit(server);
    await enter(person);
    const { answer, requestUri } = await push(person);
    expect(answer).toMatchObject({ status: 201, body: { expires_in: expect.any(Number) } });
    expect(told(await person.agent.follow(addressOf(person, requestUri))).code).toEqual(expect.any(String));
    expect(errorOf(await person.agent.follow(addressOf(person, requestUri)))).toBe('invalid_request_uri');
  });

  it('used five times at the same moment gives one code', async () => {
    const person = await visit(server);
    await enter(person);
    const { requestUri } = await push(person);
    const atOnce = slowLooks(server, 'PushedAuthorizationRequest');
    const pages = await racers(5, () => {
      const agent = createUserAgent(server.issuer);
      for (const [name, cookie] of person.agent.jar) agent.jar.set(name, cookie);
      return agent.follow(addressOf(person, requestUri));
    });
    atOnce();
    const codes = pages.filter((page) => page.url.startsWith(CALLBACK) && told(page).code);
    expect(codes).toHaveLength(1);
    for (const page of pages.filter((one) => !codes.includes(one))) expect(errorOf(page)).toBe('invalid_request_uri');
  });

  it('does not live long', async () => {
    const person = await visit(server);
    await enter(person);
    const { answer, requestUri } = await push(person);
    turnClocks(Number(answer.body['expires_in']) + 20);
    expect(errorOf(await person.agent.follow(addressOf(person, requestUri)))).toBe('invalid_request_uri');
  });

  it('is refused where it was never pushed', async () => {
    const person = await visit(server);
    const page = await person.agent.follow(addressOf(person, 'urn:ietf:params:oauth:request_uri:made-up'));
    expect(errorOf(page)).toBe('invalid_request_uri');
  });
});
