import { createRecoveryCodes } from '../../src/accounts/recovery-codes.ts';
import { acrOf, type Level } from '../../src/assurance/level.ts';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { newId } from '../../src/lib/ids.ts';
import { databaseFile } from '../../src/store/sqlite/engine.ts';
import { closeSqliteFile, openSqliteFile } from '../../src/store/sqlite/sqlite-file.ts';
import { aDevice, addPasskey } from '../support/passkeys.ts';
import { type Authorization, CALLBACK, createRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { PASSWORD, type TestServer } from '../support/server.ts';
import { createUserAgent, type Page, type UserAgent } from '../support/user-agent.ts';

export type Factor = 'pwd' | 'otp' | 'recovery' | 'passkey';

/** A person, and what is known of the account without asking the server. */
export interface Person {
  id: string;
  email: string;
  role: 'user' | 'administrator';
  password: string;
  /** The newest is in force, if any is. */
  seeds: string[];
  recoveryCodes: string[];
  device: ReturnType<typeof aDevice>;
  demanded: Level;
  /** Since when nobody gets in by a password alone: no sign-in that began later may. */
  guardedAt: number | null;
  /** Since when the next sign-in must choose another password. */
  mustChangeAt: number | null;
  /** Nothing that was proved until then counts any more, but for the flow that ended it. */
  endedAt: number;
  endedBy: string | null;
}

/** A right answer that was given to this server, whatever became of it. */
export interface Given {
  person: Person;
  factor: Factor;
  at: number;
  uid: string;
}

export interface Browser {
  agent: UserAgent;
  /** Every page with a form that was seen, the newest last: the back button, and other tabs. */
  pages: Page[];
  given: Given[];
  /** Who proved something last in a flow, by its uid. */
  known: Map<string, Person>;
}

export interface Application {
  party: RelyingParty;
  minimum: Level;
}

export interface Request {
  application: Application;
  authorization: Authorization;
  browser: Browser;
  startedAt: number;
  maxAge: number | null;
  fresh: boolean;
  demanded: Level;
}

export interface World {
  server: TestServer;
  people: Person[];
  browsers: Browser[];
  applications: Application[];
  requests: Map<string, Request>;
}

export const SEEDS = ['JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP', 'KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU'];
export const MINIMA: Level[] = ['one-factor', 'one-factor', 'two-factor', 'phishing-resistant'];

let networks = 0;
export function aNetwork(): string {
  networks += 1;
  return `2001:db8:${networks.toString(16)}::1`;
}

/** The last of the two that ask nothing asks for consent. */
export async function applicationsOf(server: TestServer): Promise<Application[]> {
  return Promise.all(
    MINIMA.map(async (minimumLevel, index) => {
      const client = await server.addClient('web', {
        ...{ redirectUris: [CALLBACK], firstParty: index !== 1, minimumLevel },
      });
      return { party: await createRelyingParty(server, client), minimum: minimumLevel };
    }),
  );
}

/** New people each time, with nothing, an app, a passkey, and both; two browsers. */
export async function newWorld(server: TestServer, applications: Application[]): Promise<World> {
  const people = await Promise.all([
    aPerson(server, 'user'),
    aPerson(server, 'user', { totp: true }),
    aPerson(server, 'user', { passkey: true }),
    aPerson(server, 'administrator', { totp: true, passkey: true }),
  ]);
  const browsers = [0, 1].map(() => ({
    agent: createUserAgent(server.issuer),
    pages: [],
    given: [],
    known: new Map(),
  }));
  return { server, people, browsers, applications, requests: new Map() };
}

async function aPerson(server: TestServer, role: Person['role'], has: { totp?: boolean; passkey?: boolean } = {}) {
  const { id, email } = await server.addAccount({ role });
  const person: Person = {
    ...{ id, email, role, password: PASSWORD, seeds: [], recoveryCodes: [], demanded: 'one-factor' },
    ...{ guardedAt: null, mustChangeAt: null, endedAt: 0, endedBy: null },
    // One that only says that somebody is there does for a second factor, and for no more.
    device: aDevice({ verifications: { userPresent: true, userVerified: true } }),
  };
  if (has.totp) await giveApp(server, person);
  if (has.passkey) await givePasskey(server, person);
  person.endedAt = 0;
  return person;
}

export async function giveApp(server: TestServer, person: Person): Promise<void> {
  const { accounts, lastingKeys } = server.app.stores;
  const account = await accounts.find(person.id);
  const secret = SEEDS[0] as string;
  if (!account || account.hasTotp) return;
  const { codes, hashes } = createRecoveryCodes({ accounts, key: lastingKeys.recoveryCodes }).issue(person.id);
  const totp = { id: newId('otp'), name: 'App', secret, confirmedStep: 0, recoveryCodeHashes: hashes };
  if (!(await accounts.enrolTotp(person.id, account.factorsVersion, totp, BY_OPERATOR))) return;
  person.seeds.push(secret);
  person.recoveryCodes = codes;
  person.guardedAt ??= Date.now();
}

async function givePasskey(server: TestServer, person: Person): Promise<void> {
  await addPasskey(server, person.id, person.device);
  person.guardedAt ??= Date.now();
}

/** Sets what an operator demands of one account. */
export function demandOf(server: TestServer, person: Person, level: Level): void {
  const handle = openSqliteFile({ file: databaseFile(server.config.folders.data) });
  handle.prepare('UPDATE Account SET demandedLevel = ? WHERE id = ?').run(level, person.id);
  closeSqliteFile(handle);
  person.demanded = level;
}

export const ACRS: Record<string, string> = {
  one: acrOf('one-factor'),
  two: acrOf('two-factor'),
  passkey: acrOf('phishing-resistant'),
  strange: 'urn:example:gold',
};
