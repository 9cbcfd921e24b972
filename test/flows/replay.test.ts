import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { basic, post } from '../support/endpoint.ts';
import { CALLBACK } from '../support/relying-party.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { ALIVE, askForTokens, DEAD, freshCode, isAlive, signedIn, type TokenAnswer } from './session.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const redemption = (code: string, codeVerifier: string) => ({
  ...{ grant_type: 'authorization_code', code, redirect_uri: CALLBACK, code_verifier: codeVerifier },
});
const refreshing = (refreshToken: string) => ({ grant_type: 'refresh_token', refresh_token: refreshToken });

/** What the audit trail has of grants that were ended for it. */
const replays = async (clientId: string) =>
  server.app.stores.auditTrail.latest(100, { clientId, event: 'grant.replayed' });

/** Lets `count` requests get past the look at the code before any of them spends it. */
function meetBeforeConsume(count: number): () => void {
  const { artifacts } = server.app.stores;
  const { consume } = artifacts;
  const all = Promise.withResolvers<void>();
  let arrived = 0;
  artifacts.consume = async (...args) => {
    arrived += 1;
    if (arrived === count) all.resolve();
    await all.promise;
    return consume(...args);
  };
  return () => {
    artifacts.consume = consume;
  };
}

describe('an authorization code (RFC 6749 4.1.2)', () => {
  it('is refused the second time, and the tokens of the first use are dead', async () => {
    const person = await signedIn(server);
    const { authorization, code } = await freshCode(person);
    const first = await askForTokens(server, person.client, redemption(code, authorization.codeVerifier));
    expect(first.status).toBe(200);
    expect(await isAlive(server, person, first.body['access_token'] ?? '')).toEqual(ALIVE);

    const second = await askForTokens(server, person.client, redemption(code, authorization.codeVerifier));
    expect(second).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect(await isAlive(server, person, first.body['access_token'] ?? '')).toEqual(DEAD);
    const refresh = await askForTokens(server, person.client, refreshing(first.body['refresh_token'] ?? ''));
    expect(refresh).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });

    await askForTokens(server, person.client, redemption(code, authorization.codeVerifier));
    expect(await replays(person.client.id)).toMatchObject([
      {
        ...{ accountId: person.account.id, clientId: person.client.id, actor: person.client.id, outcome: 'refused' },
        ...{ detail: '{"kind":"authorization_code"}', requestId: expect.stringMatching(/^req_/) },
        personal: { address: expect.stringMatching(/127\.0\.0\.1|::1/), browser: null },
      },
    ]);
  });

  it('redeemed ten times at once gives tokens to one at most, and those are dead', async () => {
    const person = await signedIn(server);
    for (let round = 0; round < 5; round += 1) {
      const { authorization, code } = await freshCode(person);
      const request = redemption(code, authorization.codeVerifier);
      const answers = await Promise.all(Array.from({ length: 10 }, () => askForTokens(server, person.client, request)));

      const winners = answers.filter(({ status }) => status === 200);
      expect(winners.length).toBeLessThanOrEqual(1);
      for (const loser of answers.filter(({ status }) => status !== 200)) {
        expect(loser).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
      }
      for (const winner of winners) {
        expect(await isAlive(server, person, winner.body['access_token'] ?? '')).toEqual(DEAD);
        const refresh = await askForTokens(server, person.client, refreshing(winner.body['refresh_token'] ?? ''));
        expect(refresh.body['error']).toBe('invalid_grant');
      }
    }
  });

  it('redeemed by ten that all saw it unspent gives tokens to one, and those are dead', async () => {
    const person = await signedIn(server);
    const { authorization, code } = await freshCode(person);
    const request = redemption(code, authorization.codeVerifier);
    const restore = meetBeforeConsume(10);
    const answers = await Promise.all(Array.from({ length: 10 }, () => askForTokens(server, person.client, request)));
    restore();
    expect(await replays(person.client.id)).toHaveLength(1);

    const [winner, ...others] = answers.toSorted((a, b) => a.status - b.status);
    expect(others.map(({ body }) => body['error'])).toEqual(Array(9).fill('invalid_grant'));
    if (winner?.status === 200) {
      expect(await isAlive(server, person, winner.body['access_token'] ?? '')).toEqual(DEAD);
      const refresh = await askForTokens(server, person.client, refreshing(winner.body['refresh_token'] ?? ''));
      expect(refresh.body['error']).toBe('invalid_grant');
    }
  });

  it('leaves the consent and the session as they were: the next sign-in is silent and its tokens live', async () => {
    const person = await signedIn(server);
    const { authorization, code } = await freshCode(person);
    await askForTokens(server, person.client, redemption(code, authorization.codeVerifier));
    await askForTokens(server, person.client, redemption(code, authorization.codeVerifier));

    const next = await freshCode(person, { prompt: 'none' });
    const tokens = await person.party.redeem(next.back, next.authorization);
    expect(await isAlive(server, person, tokens.access_token)).toEqual(ALIVE);
  });
});

describe('a refresh token (RFC 9700 4.14.2)', () => {
  it('answers a hundred simultaneous refreshes with one successor', async () => {
    const person = await signedIn(server);
    const presented = person.tokens.refresh_token ?? '';
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => askForTokens(server, person.client, refreshing(presented))),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(100).fill(200));
    const successors = new Set(answers.map(({ body }) => body['refresh_token']));
    expect(successors.size).toBe(1);
    const [successor = ''] = successors;

    // The successor works, and once it was used the first token is refused without harm to the family.
    const next = await askForTokens(server, person.client, refreshing(successor));
    expect(next.status).toBe(200);
    const late = await askForTokens(server, person.client, refreshing(presented));
    expect(late).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    const family = await askForTokens(server, person.client, refreshing(next.body['refresh_token'] ?? ''));
    expect(family.status).toBe(200);
    expect(await replays(person.client.id)).toEqual([]);
  });

  it('presented again after the grace window takes the whole family with it', async () => {
    const person = await signedIn(server);
    const first = person.tokens.refresh_token ?? '';
    const second = await askForTokens(server, person.client, refreshing(first));
    expect(second.status).toBe(200);
    server.passTime(11_000);
    const replay = await askForTokens(server, person.client, refreshing(first));
    expect(replay).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });

    const family: TokenAnswer = await askForTokens(
      server,
      person.client,
      refreshing(second.body['refresh_token'] ?? ''),
    );
    expect(family).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect(await isAlive(server, person, second.body['access_token'] ?? '')).toEqual(DEAD);
    expect(await replays(person.client.id)).toMatchObject([
      { accountId: person.account.id, detail: '{"kind":"refresh_token"}' },
    ]);
  });

  it('that its client revokes is no replay', async () => {
    const person = await signedIn(server);
    const token = person.tokens.refresh_token ?? '';
    await post(server, '/oauth2/revoke', { token }, basic(person.client));
    expect(await askForTokens(server, person.client, refreshing(token))).toMatchObject({ status: 400 });
    expect(await replays(person.client.id)).toEqual([]);
  });

  it('is not in its grace window for as long as a clock was ahead when it was spent', async () => {
    const person = await signedIn(server);
    const presented = refreshing(person.tokens.refresh_token ?? '');
    server.passTime(60_000);
    expect((await askForTokens(server, person.client, presented)).status).toBe(200);
    server.passTime(-60_000);
    expect(await askForTokens(server, person.client, presented)).toMatchObject({ status: 400 });
  });

  it('is of no use to another client, inside the grace window as well', async () => {
    const person = await signedIn(server);
    const stranger = await server.addClient('web', { redirectUris: [CALLBACK] });
    const presented = person.tokens.refresh_token ?? '';
    expect(await askForTokens(server, stranger, refreshing(presented))).toMatchObject({ status: 400 });
    await askForTokens(server, person.client, refreshing(presented));
    expect(await askForTokens(server, stranger, refreshing(presented))).toMatchObject({ status: 400 });
  });
});
