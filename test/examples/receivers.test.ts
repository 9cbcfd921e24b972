import path from 'node:path';
import process from 'node:process';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { freePort } from '../support/free-port.ts';
import { type Program, startProgram } from '../support/program.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { enter, type Tokens, type Visit, visit } from '../support/visit.ts';

const FOLDER = path.join(import.meta.dirname, '../../examples/receivers');

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
