import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { DAY } from '../../src/lib/duration.ts';
import { offerSetup } from '../../src/setup/offer.ts';
import { databaseFile } from '../../src/store/sqlite/engine.ts';
import { closeSqliteFile, openSqliteFile } from '../../src/store/sqlite/sqlite-file.ts';
import { addApiKey, exchange } from '../support/api-keys.ts';
import { ENGINE } from '../support/databases.ts';
import { addDevices, askAsDevice, connect, poll, type Shown, typeCode } from '../support/devices.ts';
import { basic, post } from '../support/endpoint.ts';
import { aRegistrationToken, manage, own, registered } from '../support/registration.ts';
import { CALLBACK } from '../support/relying-party.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/server.ts';
import { allow, codeOf } from '../support/sign-in.ts';
import { createUserAgent, type Page, textOf, type UserAgent } from '../support/user-agent.ts';
import { ask, told, type Visit, visit } from '../support/visit.ts';
import { filesOf, type Keeper, type Place, startKeeper } from './keeper.ts';
import { needlesOf, recordSecrets, type Secrets } from './wire.ts';

/*
 * The attacker has a copy of the data folder, or of the log, and no keys. Tried: every secret that the flows below
 * put on the wire, in every file of the folder and every line of the log, as it is, in hex, base64 and URL-encoded.
 */

let keeper: Keeper;
let server: TestServer;
let secrets: Secrets;
let places: Place[];
let setupToken = '';
const copies: string[] = [];

const logOf = (lines: string[]): Place => ({ name: 'log', bytes: Buffer.from(lines.join('')) });

function whereIs(kind: string, secret: string, among: Place[]): string[] {
  const needles = needlesOf(kind, secret);
  return among.filter(({ bytes }) => needles.some((needle) => bytes.includes(needle))).map(({ name }) => name);
}

beforeAll(async () => {
  keeper = await startKeeper(() => server.config.folders.data);
  server = await startTestServer({
    SECOND_FACTOR: 'everyone',
    SIGN_UP: 'invited',
    REGISTRATION: 'token',
    ...keeper.env,
  });
  const recording = recordSecrets();
  const { add } = recording;
  try {
    await flows(add);
  } finally {
    recording.stop();
  }
  add('set-up token', setupToken);
  secrets = recording.secrets;

  await keeper.plant(PLANTED);
  places = keeper.files('open');
  await server.restart();
  places.push(...keeper.files('restarted'));
  await server.close();
  await keeper.stop();
  places.push(...keeper.files('closed'), logOf(server.logged));
}, 60_000);

afterAll(async () => {
  await keeper.remove();
  for (const folder of [server.folder, ...copies]) rmSync(folder, { recursive: true, force: true });
});

async function flows(add: (kind: string, ...values: string[]) => void): Promise<void> {
  add('password', PASSWORD);
  await setUp(add);
  const person = await visit(server, { firstParty: false, postLogoutRedirectUris: [CALLBACK] });
  add('client secret', person.client.secret);

  // A sign-in that enrols a second factor, with a wrong password and a wrong code on the way.
  const { authorization, page } = await ask(person, { scope: 'openid email offline_access', prompt: 'consent' });
  const { email } = person.account;
  add('wrong password', 'a guess that was wrong 7361');
  const again = await person.agent.submit(page, { email, password: 'a guess that was wrong 7361' });
  const enrolment = await person.agent.submit(again, { email, password: PASSWORD });
  const seed = seedOn(enrolment);
  add('TOTP seed', seed);
  const refused = await person.agent.submit(enrolment, { code: '000000' });
  const codes = await person.agent.submit(refused, { code: codeOf(seed) });
  const recoveryCodes = codesOn(codes);
  add('recovery code', ...recoveryCodes);
  const back = await allow(person.agent, await leave(person.agent, codes));
  const tokens = await person.party.redeem(back, authorization);

  // All that can be done with tokens.
  await person.party.userinfo(tokens.access_token, person.account.id);
  await person.party.introspect(tokens.access_token);
  const next = await person.party.refresh(tokens.refresh_token ?? '');
  await person.party.refresh(tokens.refresh_token ?? '');
  await person.party.introspect(next.refresh_token ?? '');
  await person.party.revoke(next.access_token);
  await person.party.revoke(next.refresh_token ?? '');
  await withTwoBrowsers(person, seed, recoveryCodes[0] ?? '');
  await withoutAnybody(add);
  await withApiKeys(add);
  await withMail(add);
  await withNewcomer(add);
  await withDevices(person, seed);
  await withRecovery(add);
  await withRegistration(add);

  // The way out, with the ID token in the address.
  const query = new URLSearchParams({ id_token_hint: tokens.id_token ?? '', post_logout_redirect_uri: CALLBACK });
  const out = await person.agent.follow(`/oauth2/logout?${query}`);
  const over = await person.agent.submit(out, { logout: 'yes' });
  expect(over.url).toMatch(CALLBACK);
}

async function setUp(add: (kind: string, ...values: string[]) => void): Promise<void> {
  const { log } = { log: { info: () => undefined } as never };
  await offerSetup({ config: server.config, stores: server.app.stores, log, terminal: null });
  const link = readFileSync(path.join(server.config.folders.data, 'setup-link'), 'utf8').trim();
  setupToken = link.split('/').at(-1) ?? '';
  const agent = createUserAgent(server.issuer);
  add('password', 'quiet otter ladder 4');
  const page = await agent.submit(await agent.follow(link), {
    email: 'root@example.org',
    password: 'quiet otter ladder 4',
  });
  const seed = seedOn(page);
  add('TOTP seed', seed);
  const codes = await agent.submit(page, { code: codeOf(seed) });
  add('recovery code', ...codesOn(codes));
  expect(textOf((await agent.submit(codes)).html)).toContain('root@example.org');
}

/** A pushed request, and a recovery code instead of the app. */
async function withTwoBrowsers(person: Visit, seed: string, recoveryCode: string): Promise<void> {
  const authorization = await person.party.authorization({ scope: 'openid' });
  const parameters = Object.fromEntries(new URL(authorization.url).searchParams);
  const pushed = await post(server, '/oauth2/par', parameters, basic(person.client));
  const agent = createUserAgent(server.issuer);
  const query = new URLSearchParams({ client_id: person.client.id, request_uri: String(pushed.body['request_uri']) });
  const page = await agent.follow(`/oauth2/authorize?${query}`);
  const second = await agent.submit(page, { email: person.account.email, password: PASSWORD });
  const link = /href="([^"]+method=recovery-code)"/.exec(second.html)?.[1] ?? '';
  const back = await agent.submit(await agent.get(link), { code: recoveryCode });
  expect(told(await allow(agent, back)).code).toBeDefined();

  // Another interaction is left standing, its second factor asked for and its code wrong.
  const other = createUserAgent(server.issuer);
  const started = await ask({ party: person.party, agent: other });
  const asked = await other.submit(started.page, { email: person.account.email, password: PASSWORD });
  await other.submit(asked, { code: codeOf(seed, 900) });
}

async function withoutAnybody(add: (kind: string, ...values: string[]) => void): Promise<void> {
  const api = await server.addClient('resource', { audience: 'https://api.example.org', scopes: ['read'] });
  const service = await server.addClient('service', { audiences: ['https://api.example.org'], scopes: ['read'] });
  add('client secret', service.secret, api.secret);
  const wish = { grant_type: 'client_credentials', scope: 'read' };
  const answer = await post(server, '/oauth2/token', wish, basic(service));
  const token = answer.body.access_token ?? '';
  expect(answer.status).toBe(200);
  await post(server, '/oauth2/introspect', { token }, basic(api));
  await post(server, '/oauth2/revoke', { token }, basic(service));
}

/** One that is used and revoked by its own client, one that is mistyped, and one that is in use when the search begins. */
async function withApiKeys(add: (kind: string, ...values: string[]) => void): Promise<void> {
  const [used, other] = [await addApiKey(server), await addApiKey(server)];
  const mistyped = `${other.key.slice(0, -1)}${other.key.endsWith('0') ? '1' : '0'}`;
  add('API key', used.key, other.key, mistyped);
  for (const { key, api } of [used, other]) {
    expect((await exchange(server, key)).status).toBe(200);
    expect((await post(server, '/oauth2/introspect', { token: key }, basic(api))).body['active']).toBe(true);
  }
  for (const scope of ['notes:write', 'no\u0001scope'])
    expect((await exchange(server, other.key, { scope })).status).toBe(400);
  await post(server, '/oauth2/revoke', { token: used.key }, basic(used.service));
  for (const key of [used.key, mistyped]) expect((await exchange(server, key)).status).toBe(400);
}

/** One that waits, one that was turned away, and one that is connected and asks twice. */
async function withDevices({ account }: Visit, seed: string): Promise<void> {
  const tv = await addDevices(server);
  const shown = async (): Promise<Shown> => (await askAsDevice(server, tv)).body;
  const [waiting, denied, connected] = [await shown(), await shown(), await shown()];
  const agent = createUserAgent(server.issuer);
  await agent.follow(waiting.verification_uri_complete);
  await agent.submit(await typeCode(agent, denied.user_code), { decision: 'deny' });
  await connect(agent, connected.user_code, account, { totpSecret: seed, stepsAhead: 1 });
  expect((await poll(server, tv, connected.device_code)).status).toBe(200);
  for (const { device_code } of [waiting, denied, connected]) await poll(server, tv, device_code);
}

/** What a queued letter says; its address is that of an account, which is no secret. */
async function withMail(add: (kind: string, ...values: string[]) => void): Promise<void> {
  const name = 'Persephone Underhill-Featherstone';
  const { id } = await server.addAccount({ claims: { locale: 'de-LI', name } });
  await server.app.stores.accounts.disable(id, BY_OPERATOR);
  // As the letter has them, not as the account does.
  add('letter', `"name":"${name}","locale":"de-LI"`);
}

/** Somebody who was invited, opened the link and left it at that. */
async function withNewcomer(add: (kind: string, ...values: string[]) => void): Promise<void> {
  const email = 'penelope.ashcombe-tremaine@example.net';
  const invited = { email, emailNormalized: email, name: 'Penelope Ashcombe-Tremaine', role: 'user', lifetime: DAY };
  const token = await server.app.stores.newcomers.inviteUnsent(invited, BY_OPERATOR);
  const page = await createUserAgent(server.issuer).follow(`/link/${token}`);
  expect(textOf(page.html)).toContain(email);
  add('newcomer', email, invited.name);
  add('mailed link', token);
}

/** Somebody whose recovery waits, by a link that was handed over, and one that was mailed. */
async function withRecovery(add: (kind: string, ...values: string[]) => void): Promise<void> {
  const { id } = await server.addAccount();
  const { recoveries } = server.app.stores;
  await recoveries.start(id, { wait: 0, mailed: true }, BY_OPERATOR);
  const started = await recoveries.start(id, { wait: DAY, mailed: false }, BY_OPERATOR);
  const token = String(started?.token);
  const page = await createUserAgent(server.issuer).follow(`/link/${token}`);
  expect(textOf(page.html)).toContain('does not open yet');
  add('mailed link', token);
}

/** An application that registered itself, changed that, and went again; another that stays. */
async function withRegistration(add: (kind: string, ...values: string[]) => void): Promise<void> {
  const { token } = await aRegistrationToken(server);
  add('registration token', token);
  for (const stays of [true, false]) {
    const client = await registered(server, token);
    add('client secret', String(client.client_secret));
    const changed = await manage(server, 'PUT', client, own(client));
    const next = String(changed.body['registration_access_token']);
    add('registration token', client.registration_access_token, next);
    if (!stays) expect((await manage(server, 'DELETE', client, null, next)).status).toBe(204);
  }
}

function seedOn(page: Page): string {
  const key = /class="key">([A-Z2-7 ]+)</.exec(page.html)?.[1];
  if (!key) throw new Error(`no key on ${page.url} (${page.status}): ${textOf(page.html)}`);
  return key.replaceAll(' ', '');
}

const codesOn = (page: Page) =>
  [...page.html.matchAll(/<li>([0-9a-z]{4}(?:-[0-9a-z]{4}){2})<\/li>/g)].map(([, code]) => String(code));
const leave = (agent: UserAgent, page: Page) => agent.submit(page);

/** Proof that the search saw what this engine writes. */
const SEARCHED = {
  sqlite: [
    ...[/^open\/gatewright\.db$/, /^open\/gatewright\.db-wal$/, /^open\/state\.db$/, /^open\/state\.db-wal$/],
    ...[/^closed\/gatewright\.db$/, /^closed\/state\.db$/, /^log$/],
  ],
  postgresql: [/^open\/postgresql\/pg_wal\//, /^closed\/postgresql\/base\/\d+\/\d{5}/, /^log$/],
  redis: [/^closed\/postgresql\/base\/\d+\/\d{5}/, /^open\/redis\/.*\.aof$/, /^log$/],
};

const PLANTED = 'gwp_a-secret-that-was-written-in-the-clear';

const KINDS = [
  ...['password', 'wrong password', 'client secret', 'set-up token', 'TOTP seed', 'recovery code', 'CSRF token'],
  ...[
    'cookie',
    'interaction',
    'code',
    'verifier',
    'access token',
    'id token',
    'refresh token',
    'request uri',
    'device code',
    'user code',
    'API key',
    'letter',
    'newcomer',
    'mailed link',
    'registration token',
  ],
];

describe('what was on the wire is at rest nowhere', () => {
  it('the flows put secrets of every kind on the wire, and there is much to search', () => {
    const counted = Object.fromEntries(KINDS.map((kind) => [kind, secrets.get(kind)?.size ?? 0]));
    expect(Object.entries(counted).filter(([, count]) => count === 0)).toEqual([]);
    expect(counted).toMatchObject({ 'TOTP seed': 2, 'recovery code': 20 });
    const names = places.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(SEARCHED[ENGINE].map((file) => expect.stringMatching(file))));
    expect(places.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBeGreaterThan(500_000);
  });

  it('would be found: a text that was written in the clear and deleted again', () => {
    const stores = { sqlite: ['SQLite'], postgresql: ['PostgreSQL'], redis: ['PostgreSQL', 'Redis'] }[ENGINE];
    for (const store of stores) expect(whereIs('planted', `${PLANTED} in ${store}`, places)).not.toEqual([]);
  });

  it.each(KINDS)('no %s', (kind) => {
    for (const secret of secrets.get(kind) ?? []) {
      // Of its shape, there is nothing else in so much data.
      const shortest = kind === 'user code' ? 9 : 12;
      expect(secret.length, `too short to be searched for: ${secret}`).toBeGreaterThanOrEqual(shortest);
      expect([kind, whereIs(kind, secret, places)]).toEqual([kind, []]);
    }
  });
});

describe('the search itself', () => {
  const secret = 'gwp_planted-Secret_0123456789?/+abcXYZ';
  const dresses: [string, (bytes: Buffer) => string][] = [
    ['as it is', (bytes) => bytes.toString()],
    ['in hex', (bytes) => bytes.toString('hex')],
    ['in base64', (bytes) => bytes.toString('base64')],
    [
      'in base64 within more',
      (bytes) => Buffer.concat([Buffer.from('{"a":"'), bytes, Buffer.from('"}')]).toString('base64'),
    ],
    [
      'in base64url within more',
      (bytes) => Buffer.concat([Buffer.from('x'), bytes, Buffer.from('"}')]).toString('base64url'),
    ],
    ['in an address', (bytes) => encodeURIComponent(bytes.toString())],
  ];

  it.each(dresses)(
    'finds a secret that was planted %s: in a table, in a deleted row, in a file, in the log',
    (_name, dress) => {
      const text = dress(Buffer.from(secret));
      const folder = mkdtempSync(path.join(tmpdir(), 'gatewright-planted-'));
      copies.push(folder);
      const row = path.join(folder, 'row');
      const deleted = path.join(folder, 'deleted');
      for (const place of [row, deleted]) {
        mkdirSync(place);
        const handle = openSqliteFile({ file: databaseFile(place) });
        handle.exec('CREATE TABLE planted (value TEXT)');
        handle.prepare('INSERT INTO planted VALUES (?)').run(text);
        if (place === deleted) handle.exec('DELETE FROM planted');
        closeSqliteFile(handle);
      }
      mkdirSync(path.join(folder, 'outbox'));
      writeFileSync(path.join(folder, 'outbox', 'letter'), `before ${text} after`);
      for (const part of [row, deleted, path.join(folder, 'outbox')]) {
        expect(whereIs('planted', secret, filesOf(part, 'planted'))).not.toEqual([]);
      }
      expect(whereIs('planted', secret, [logOf([JSON.stringify({ msg: text })])])).toEqual(['log']);
      expect(whereIs('planted', 'gwp_something-else-altogether', filesOf(folder, 'planted'))).toEqual([]);
    },
  );

  it('finds the bytes of a seed that was stored decoded', () => {
    const bytes = Buffer.from('12345678901234567890');
    expect(whereIs('TOTP seed', 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ', [{ name: 'raw', bytes }])).toEqual(['raw']);
  });
});
