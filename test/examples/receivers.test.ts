import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import process from 'node:process';
import { createRemoteJWKSet, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startLogoutReceiver } from '../../examples/receivers/logout-receiver.ts';
import { startSecurityEventReceiver } from '../../examples/receivers/security-event-receiver.ts';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { freePort } from '../support/free-port.ts';
import { type Program, startProgram } from '../support/program.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { enter, type Tokens, type Visit, visit } from '../support/visit.ts';

const FOLDER = path.join(import.meta.dirname, '../../examples/receivers');

const LOGOUT = 'http://schemas.openid.net/event/backchannel-logout';

let server: TestServer;
let person: Visit & { tokens: Tokens };
let logout: Program;
let events: Program;
let logoutUri: string;
let eventsUri: string;

beforeAll(async () => {
  server = await startTestServer({ SECOND_FACTOR: 'optional' });
  const ports = [String(await freePort()), String(await freePort())] as const;
  logoutUri = `http://localhost:${ports[0]}/backchannel-logout`;
  eventsUri = `http://localhost:${ports[1]}/security-events`;
  const visited = await visit(server, { backchannelLogoutUri: logoutUri, securityEventsUri: eventsUri });
  person = { ...visited, tokens: await enter(visited) };
  const env = { ISSUER: server.issuer, CLIENT_ID: person.client.id };
  const start = (program: string, PORT: string) =>
    startProgram(process.execPath, [path.join(FOLDER, program)], { ...env, PORT });
  logout = start('logout.ts', ports[0]);
  events = start('security-events.ts', ports[1]);
  await logout.says(/are taken at (\S+)/);
  await events.says(/are taken at (\S+)/);
});
afterAll(async () => {
  await logout.stop();
  await events.stop();
  await server[Symbol.asyncDispose]();
});

const postLogout = (token: string) =>
  fetch(logoutUri, { method: 'POST', body: new URLSearchParams({ logout_token: token }) });

const postEvent = (token: string, type = 'application/secevent+jwt') =>
  fetch(eventsUri, { method: 'POST', headers: { 'content-type': type }, body: token });

describe('the receivers of the examples', () => {
  it('hear of a sign-out everywhere, each in its own way, and nothing is left to deliver', async () => {
    await server.app.stores.accounts.signOut(person.account.id, BY_OPERATOR);
    for (let round = 0; round < 3; round += 1) await server.app.worker.run();
    const sid = person.tokens.claims()?.['sid'];
    await logout.says(new RegExp(`end session ${sid} of ${person.account.id}\\n`));
    await events.says(new RegExp(`session-revoked: end every session of ${person.account.id} .*"admin"`));
    expect(await server.app.stores.deliveries.list()).toEqual([]);
  });

  it('take no other token of the same issuer, and nothing that is none', async () => {
    const idToken = person.tokens.id_token ?? '';
    const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', server.issuer));
    await jwtVerify(idToken, keys, { audience: person.client.id });
    const before = [logout.said(), events.said()];
    for (const token of [idToken, '', 'x.y.z', `${idToken.slice(0, -4)}AAAA`]) {
      expect((await postLogout(token)).status).toBe(400);
      const answer = await postEvent(token);
      expect([answer.status, await answer.json()]).toEqual([400, expect.objectContaining({ err: expect.any(String) })]);
    }
    expect((await postEvent(idToken, 'application/jwt')).status).toBe(415);
    expect((await postLogout('x'.repeat(70_000))).status).toBe(413);
    expect([logout.said(), events.said()]).toEqual(before);
  });
});

/** A provider that signs what it is told to, and can be away. */
async function startIssuer() {
  const { publicKey, privateKey } = await generateKeyPair('RS256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k', alg: 'RS256' };
  let isAway = false;
  const server = http.createServer((req, res) => {
    if (isAway) return res.writeHead(500).end();
    const document = req.url === '/jwks' ? { keys: [jwk] } : { issuer, jwks_uri: `${issuer}/jwks` };
    return res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://localhost:${(server.address() as AddressInfo).port}`;
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    issuer,
    away: (away: boolean) => {
      isAway = away;
    },
    sign: (claims: Record<string, unknown>, typ: string, kid = 'k') =>
      new SignJWT({ iss: issuer, aud: 'app', jti: 'one', iat: Math.floor(Date.now() / 1000), ...claims })
        .setProtectedHeader({ alg: 'RS256', kid, typ })
        .sign(privateKey),
  };
}

describe('a receiver of security events', () => {
  async function started() {
    const issuer = await startIssuer();
    const acts: string[] = [];
    let fails = 0;
    const { url, close } = await startSecurityEventReceiver({
      ...{ issuer: issuer.issuer, clientId: 'app', port: 0 },
      act(type, subject) {
        if (fails-- > 0) throw new Error('the database is away');
        acts.push(`${type} ${subject}`);
      },
    });
    onTestFinished(close);
    const good = {
      sub_id: { format: 'iss_sub', iss: issuer.issuer, sub: 'ada' },
      events: { 'https://schemas.openid.net/secevent/risc/event-type/account-disabled': {} },
    };
    function failOnce(): void {
      fails = 1;
    }
    async function post(token: string) {
      const headers = { 'content-type': 'application/secevent+jwt' };
      const response = await fetch(`${url}/security-events`, { method: 'POST', headers, body: token });
      return [response.status, ((await response.json().catch(() => null)) as { err?: string } | null)?.err];
    }
    return { issuer, acts, good, post, failOnce };
  }

  it('acts once on what comes twice, and again on what failed', async () => {
    const { issuer, acts, good, post, failOnce } = await started();
    const token = await issuer.sign(good, 'secevent+jwt');
    failOnce();
    expect(await post(token)).toEqual([503, undefined]);
    expect(await post(token)).toEqual([202, undefined]);
    expect(await post(token)).toEqual([202, undefined]);
    expect(acts).toEqual(['account-disabled ada']);
  });

  it('asks for another try where it cannot tell whether the token is good', async () => {
    const { issuer, acts, good, post } = await started();
    issuer.away(true);
    expect(await post(await issuer.sign(good, 'secevent+jwt'))).toEqual([503, undefined]);
    issuer.away(false);
    expect(await post(await issuer.sign(good, 'secevent+jwt', 'newer'))).toEqual([503, undefined]);
    expect(acts).toEqual([]);
  });

  it('says what is wrong with what it refuses', async () => {
    const { issuer, acts, good, post } = await started();
    const stranger = await startIssuer();
    const refusals: [string, Promise<string>][] = [
      ['invalid_issuer', issuer.sign({ ...good, iss: 'https://evil.example' }, 'secevent+jwt')],
      ['invalid_audience', issuer.sign({ ...good, aud: 'another' }, 'secevent+jwt')],
      ['invalid_key', stranger.sign({ ...good, iss: issuer.issuer }, 'secevent+jwt')],
      ['invalid_request', issuer.sign(good, 'logout+jwt')],
      [
        'invalid_request',
        issuer.sign({ ...good, sub_id: { ...good.sub_id, iss: 'https://evil.example' } }, 'secevent+jwt'),
      ],
      ['invalid_request', issuer.sign({ ...good, sub_id: { format: 'email', email: 'a@b.example' } }, 'secevent+jwt')],
      ['invalid_request', issuer.sign({ sub_id: good.sub_id }, 'secevent+jwt')],
    ];
    for (const [err, token] of refusals) expect(await post(await token)).toEqual([400, err]);
    expect(acts).toEqual([]);
  });
});

describe('a receiver of logout tokens', () => {
  it('makes every check of Back-Channel Logout 1.0 2.6, and acts once', async () => {
    const issuer = await startIssuer();
    const acts: unknown[] = [];
    const { url, close } = await startLogoutReceiver({
      ...{ issuer: issuer.issuer, clientId: 'app', port: 0 },
      end: (order) => void acts.push(order),
    });
    onTestFinished(close);
    const post = async (claims: object, typ = 'logout+jwt') => {
      const now = Math.floor(Date.now() / 1000);
      const good = { sub: 'ada', sid: 's', exp: now + 60, events: { [LOGOUT]: {} } };
      const body = new URLSearchParams({ logout_token: await issuer.sign({ ...good, ...claims }, typ) });
      return (await fetch(`${url}/backchannel-logout`, { method: 'POST', body })).status;
    };
    const now = Math.floor(Date.now() / 1000);
    for (const bad of [
      ...[{ iss: 'https://evil.example' }, { aud: 'another' }, { nonce: 'n' }, { sub: undefined, sid: undefined }],
      ...[{ events: {} }, { events: { [LOGOUT]: 'x' } }, { exp: now - 60 }, { exp: undefined }, { jti: undefined }],
      ...[{ iat: now - 3_600 }, { sid: 7 }],
    ]) {
      expect(await post(bad), JSON.stringify(bad)).toBe(400);
    }
    expect(await post({}, 'JWT')).toBe(400);
    expect(acts).toEqual([]);
    expect(await post({})).toBe(200);
    expect(await post({})).toBe(400);
    expect(await post({ jti: 'two', sid: undefined })).toBe(200);
    expect(acts).toEqual([
      { sid: 's', sub: 'ada' },
      { sid: null, sub: 'ada' },
    ]);
  });
});
