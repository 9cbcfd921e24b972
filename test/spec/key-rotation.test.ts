import {
  createRemoteJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  importPKCS8,
  type JWTVerifyGetKey,
  jwtVerify,
  SignJWT,
} from 'jose';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { signingKeyRetention } from '../../src/config/config.ts';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { createSigningKeys } from '../../src/signing/signing-keys.ts';
import { bearer, userinfo } from '../support/endpoint.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { turnClocks } from '../support/time.ts';
import { again, ask, enter, type Tokens, told, type Visit, visit } from '../support/visit.ts';

const JWKS_CACHE = 600;
/** Until all instances have a key, and then all who cached the set before. */
const ANNOUNCED = JWKS_CACHE + 30;
/** The server looks for new keys this often; a token of an unknown key makes it look at once, so often at most. */
const COOL_DOWN = 1;

let server: TestServer;
let keys: JWTVerifyGetKey;
let list: ReturnType<typeof vi.spyOn>;
beforeAll(async () => {
  server = await startTestServer({ SECOND_FACTOR: 'optional', JWKS_CACHE: String(JWKS_CACHE) });
  list = vi.spyOn(server.app.stores.signingKeys, 'list');
});
afterAll(() => server[Symbol.asyncDispose]());

/** What `gatewright key rotate` and `key revoke` do, from another process as far as the server can tell. */
function operator() {
  const { config, app } = server;
  const store = { ...app.stores.signingKeys };
  return createSigningKeys({
    ...{ store, clock: Date.now, jwksCache: JWKS_CACHE, age: null },
    retention: signingKeyRetention(config),
  });
}

const madeUp = (kid: string) =>
  `${Buffer.from(JSON.stringify({ alg: 'RS256', typ: 'at+jwt', kid })).toString('base64url')}.e30.c2ln`;

/** The same ID token, as an instance would have issued it that signs with `kid` already. */
async function signedAgain(idToken: string, kid: string): Promise<string> {
  const key = (await operator().list()).find((each) => each.kid === kid);
  return new SignJWT(decodeJwt(idToken))
    .setProtectedHeader({ alg: 'RS256', kid })
    .sign(await importPKCS8(key?.privateKey ?? '', 'RS256'));
}

/** Has the server look now, as it does by itself every few seconds. */
async function look(): Promise<void> {
  turnClocks(COOL_DOWN + 1);
  await userinfo(server, madeUp('look'));
}

async function publishedKids(): Promise<string[]> {
  const response = await fetch(`${server.issuer}/.well-known/jwks.json`);
  const { keys: published } = (await response.json()) as { keys: { kid: string }[] };
  return published.map(({ kid }) => kid);
}

async function signedIn(): Promise<{ person: Visit; tokens: Tokens }> {
  const person = await visit(server);
  return { person, tokens: await enter(person) };
}

const kidOf = (token: string | undefined) => decodeProtectedHeader(token ?? '').kid;
const opens = async (token: string) => (await userinfo(server, token)).status === 200;

describe('signing keys', () => {
  it('are replaced while the server runs: the new key signs, and old tokens stay good', async () => {
    const { person, tokens } = await signedIn();
    keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', server.issuer));
    const { kid } = await operator().rotate({ immediately: true }, BY_OPERATOR);
    await look();

    const next = await again(person);
    expect([kidOf(next.id_token), kidOf(next.access_token)]).toEqual([kid, kid]);
    expect(kidOf(tokens.access_token)).not.toBe(kid);
    expect([await opens(tokens.access_token), await opens(next.access_token)]).toEqual([true, true]);
    for (const { access_token } of [tokens, next]) await jwtVerify(access_token, keys, { issuer: server.issuer });
    expect(await publishedKids()).toEqual(expect.arrayContaining([kid, kidOf(tokens.access_token)]));
    // What was begun under the old key goes on under the new one.
    expect(kidOf((await person.party.refresh(tokens.refresh_token ?? '')).access_token)).toBe(kid);
    const hinted = await again(person, { prompt: 'none', id_token_hint: tokens.id_token ?? '' });
    expect(kidOf(hinted.id_token)).toBe(kid);
  });

  it('are published before they sign, until no verifier holds an older JWKS', async () => {
    const { person, tokens } = await signedIn();
    const { kid } = await operator().rotate({ immediately: false }, BY_OPERATOR);
    await look();
    expect(await publishedKids()).toContain(kid);
    const meanwhile = await again(person);
    expect(kidOf(meanwhile.id_token)).toBe(kidOf(tokens.id_token));
    turnClocks(ANNOUNCED);
    await look();
    expect(kidOf((await again(person)).id_token)).toBe(kid);
  });

  it('that are revoked are trusted no more: neither token nor hint', async () => {
    const { person, tokens } = await signedIn();
    const revoked = kidOf(tokens.access_token) ?? '';
    const { kid } = await operator().rotate({ immediately: true }, BY_OPERATOR);
    expect(await operator().revoke(revoked, BY_OPERATOR)).toBe(true);
    await look();

    expect(await publishedKids()).not.toContain(revoked);
    expect(await opens(tokens.access_token)).toBe(false);
    expect((await person.party.introspect(tokens.access_token)).active).toBe(false);
    const { page } = await ask(person, { id_token_hint: tokens.id_token ?? '' });
    expect(told(page).error).toBe('invalid_request');
    const logout = await person.agent.follow(`/oauth2/logout?id_token_hint=${tokens.id_token}`);
    expect(logout.status).toBe(400);
    // The session rests on no signature: its next tokens are signed by the key that replaced the revoked one.
    const next = await again(person, { prompt: 'none' });
    expect(kidOf(next.access_token)).toBe(kid);
    expect(await opens(next.access_token)).toBe(true);
  });

  it('that are all revoked are replaced: a running server publishes and uses another key', async () => {
    const { person, tokens } = await signedIn();
    for (const { kid } of await operator().list()) await operator().revoke(kid, BY_OPERATOR);
    await look();

    const published = await publishedKids();
    expect(published).toEqual([expect.not.stringMatching(kidOf(tokens.access_token) ?? '')]);
    expect(await opens(tokens.access_token)).toBe(false);
    const next = await again(person, { prompt: 'none' });
    expect([kidOf(next.id_token), kidOf(next.access_token)]).toEqual([...published, ...published]);
    expect(await opens(next.access_token)).toBe(true);
  });

  it('are looked up at once for a token of a key that the server has not met yet', async () => {
    const { person } = await signedIn();
    await look();
    const { kid } = await operator().rotate({ immediately: true }, BY_OPERATOR);
    turnClocks(COOL_DOWN + 1);
    await userinfo(server, madeUp(kid));
    expect(kidOf((await again(person)).access_token)).toBe(kid);
  });

  it('are looked up at once for the id_token_hint of a key that the server has not met yet', async () => {
    const { person, tokens } = await signedIn();
    for (const use of ['authorization', 'logout']) {
      const { kid } = await operator().rotate({ immediately: true }, BY_OPERATOR);
      const id_token_hint = await signedAgain(tokens.id_token ?? '', kid);
      turnClocks(COOL_DOWN + 1);
      if (use === 'authorization') {
        expect(kidOf((await again(person, { prompt: 'none', id_token_hint })).id_token)).toBe(kid);
      } else {
        expect((await person.agent.follow(`/oauth2/logout?id_token_hint=${id_token_hint}`)).status).toBe(200);
      }
    }
  });

  it('are not looked up for every token that names a made-up key', async () => {
    await look();
    const [before, begunAt] = [list.mock.calls.length, Date.now()];
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        fetch(`${server.issuer}/oauth2/userinfo`, { headers: bearer(madeUp(`made-up-${index}`)) }),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
    // One a second, and those of its own.
    const seconds = Math.ceil((Date.now() - begunAt) / 1000);
    expect(list.mock.calls.length - before).toBeLessThanOrEqual(2 * (seconds + 1));
  });
});
