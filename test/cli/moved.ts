import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createLog } from '../../src/lib/log.ts';
import { type Server, startServer } from '../../src/server.ts';
import { basic, post } from '../support/endpoint.ts';
import { PASSWORD } from '../support/seed.ts';
import type { TestServer } from '../support/server.ts';
import { codeOf } from '../support/sign-in.ts';
import { createUserAgent, type UserAgent } from '../support/user-agent.ts';
import { ask, enter, type Tokens, type Visit, visit } from '../support/visit.ts';
import { CLI, execute, NODE, type Outcome } from './gatewright.ts';

/** The commands of the operator of a server, in a process of their own. */
export function operatorOf({ issuer, config: { folders, listen }, folder }: TestServer) {
  const env = {
    ...{ ISSUER: issuer, PORT: String(listen.port), DATA_DIR: folders.data, KEYS_DIR: folders.keys },
    ...{ PATH: process.env['PATH'] ?? '', ARGON2_MEMORY_KIB: '7168', ARGON2_PASSES: '1' },
  };
  return (args: string[], some: Record<string, string> = {}): Promise<Outcome> =>
    execute(NODE, [CLI, ...args], { cwd: folder, env: { ...env, ...some } });
}

/** The same issuer again, with its data elsewhere, a while later. */
export function startElsewhere(
  { config }: TestServer,
  change: Partial<TestServer['config']>,
  later = 0,
): Promise<Server> {
  const log = createLog('debug', { write: () => {} });
  return startServer({ ...config, ...change }, { log, clock: () => Date.now() + later });
}

export interface People {
  /** Has an authenticator and recovery codes, and is signed in. */
  ada: Visit & { tokens: Tokens; seed: string; spentCode: string; codes: string[] };
  /** A program that acts for itself, with an access token that no grant stands behind. */
  machine: { token: string; isActive(): Promise<boolean> };
  /** Has refreshed twice. */
  bob: Visit & { spent: string; tokens: Tokens };
  /** Was disabled. */
  eve: Visit & { tokens: Tokens };
  /** Signed out; a copy of the cookies was kept. */
  joe: Visit & { thief: UserAgent; tokens: Tokens };
}

/** Somebody in each of the states that must outlive what is done to the data. */
export async function populate(server: TestServer): Promise<People> {
  const bob = await visit(server);
  const first = await enter(bob);
  const second = await bob.party.refresh(first.refresh_token ?? '');
  const third = await bob.party.refresh(second.refresh_token ?? '');

  const eve = await visit(server);
  const ofEve = await enter(eve);
  await server.app.stores.accounts.disable(eve.account.id, { actor: 'cli', address: null, requestId: null });

  return {
    ada: await enrolled(server),
    machine: await machine(server),
    bob: { ...bob, spent: first.refresh_token ?? '', tokens: third },
    eve: { ...eve, tokens: ofEve },
    joe: await signedOut(server),
  };
}

async function machine(server: TestServer): Promise<People['machine']> {
  const audience = 'https://api.example.org';
  const api = await server.addClient('resource', { audience, scopes: ['read'] });
  const service = await server.addClient('service', { audiences: [audience], scopes: ['read'] });
  const wish = { grant_type: 'client_credentials', scope: 'read' };
  const token = (await post(server, '/oauth2/token', wish, basic(service))).body.access_token ?? '';
  return {
    token,
    isActive: async () =>
      String((await post(server, '/oauth2/introspect', { token }, basic(api))).body['active']) === 'true',
  };
}

async function enrolled(server: TestServer): Promise<People['ada']> {
  const person = await visit(server, { minimumLevel: 'two-factor' });
  const { page, authorization } = await ask(person);
  const enrolment = await person.agent.submit(page, { email: person.account.email, password: PASSWORD });
  const seed = (/class="key">([A-Z2-7 ]+)</.exec(enrolment.html)?.[1] ?? '').replaceAll(' ', '');
  const spentCode = codeOf(seed);
  const shown = await person.agent.submit(enrolment, { code: spentCode });
  const codes = [...shown.html.matchAll(/<li>([0-9a-z]{4}(?:-[0-9a-z]{4}){2})<\/li>/g)].map(([, code]) => String(code));
  const tokens = await person.party.redeem(await person.agent.submit(shown), authorization);
  return { ...person, tokens, seed, spentCode, codes };
}

async function signedOut(server: TestServer): Promise<People['joe']> {
  const person = await visit(server);
  const tokens = await enter(person);
  const thief = copyOf(person.agent, server);
  const out = await person.agent.follow(
    `/oauth2/logout?${new URLSearchParams({ id_token_hint: tokens.id_token ?? '' })}`,
  );
  await person.agent.submit(out, { logout: 'yes' });
  return { ...person, tokens, thief };
}

/** Another browser with the same cookies. */
export function copyOf(agent: UserAgent, { issuer }: TestServer): UserAgent {
  const copy = createUserAgent(issuer);
  for (const [name, cookie] of agent.jar) copy.jar.set(name, cookie);
  return copy;
}

/** How much protocol state there is, while no server runs. */
export function leftIn(data: string): Record<string, number> {
  const db = new DatabaseSync(path.join(data, 'state.db'));
  try {
    const tables = ['artifact', 'session', 'session_authorization', 'progress', 'death'];
    return Object.fromEntries(
      tables.map((table) => [table, Number(db.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.['count'])]),
    );
  } finally {
    db.close();
  }
}
