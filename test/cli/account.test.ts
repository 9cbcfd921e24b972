import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { verify } from 'argon2';
import { beforeAll, describe, expect, it } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { createAttempts } from '../../src/limits/attempts.ts';
import { openStores, type Stores } from '../../src/store/open.ts';
import { aPasskey } from '../store/samples.ts';
import { startRangeServer } from '../support/range-server.ts';
import { sqliteTables } from '../support/tables.ts';
import { CLI, installation, NODE, PASSWORD } from './gatewright.ts';

const { env, run, json } = installation();

const create = (email: string, ...more: string[]) =>
  json(['account', 'create', '--email', email, '--password-stdin', ...more], { input: PASSWORD });

async function withStores<T>(work: (stores: Stores) => Promise<T>): Promise<T> {
  const stores = await openStores({
    issuer: 'http://localhost:9',
    folders: { data: env['DATA_DIR'] ?? '', keys: env['KEYS_DIR'] ?? '' },
    database: { url: null, pool: 2 },
    redis: null,
    longestLifetime: 1,
    clock: Date.now,
  });
  return work(stores).finally(() => stores.close());
}

const storedHash = (email: string) =>
  withStores(async ({ accounts }) => (await accounts.findByEmail(email))?.passwordHash ?? '');

beforeAll(async () => {
  await create('ada@example.org', '--name', 'Ada');
});

describe.concurrent('account create', { timeout: 90_000 }, () => {
  it('makes an account and says what it is', async () => {
    expect(await create(' Grace@Example.org ', '--name', 'Grace Hopper', '--admin', '--verified')).toEqual({
      id: expect.stringMatching(/^acc_\w{22}$/),
      email: 'Grace@Example.org',
      emailVerified: true,
      role: 'administrator',
      status: 'active',
      hasPassword: true,
      mustChangePassword: false,
      hasSecondFactor: false,
      demandedLevel: null,
      deletionDueAt: null,
      claims: { name: 'Grace Hopper' },
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
  });

  it('refuses an address that another account has, however it is written', async () => {
    const { status, stderr } = await run(['account', 'create', '--email', 'ADA@Example.org', '--password-stdin'], {
      input: PASSWORD,
    });
    expect([status, stderr]).toEqual([1, 'gatewright: there is an account with the address ADA@Example.org already\n']);
  });

  it('refuses what is no address', async () => {
    const { status, stderr } = await run(['account', 'create', '--email', 'ada', '--password-stdin'], {
      input: PASSWORD,
    });
    expect([status, stderr]).toEqual([1, 'gatewright: --email: "ada" is not an email address\n']);
  });
});

describe.concurrent('passwords', { timeout: 90_000 }, () => {
  it('are read from standard input without the end of the line, in NFKC', async () => {
    // A full-width letter, a ligature, and an accent on its own.
    const typed = 'ｗorld of ﬁne cafe\u0301s';
    await json(['account', 'create', '--email', 'typed@example.org', '--password-stdin'], { input: `${typed}\r\n` });
    expect(await verify(await storedHash('typed@example.org'), 'world of fine caf\u00e9s')).toBe(true);
  });

  it.for([
    { input: 'fourteen chars', says: 'it needs 15 characters, since no second factor is demanded', env: {} },
    { input: '', says: 'it needs 15 characters', env: {} },
    // 15 UTF-16 units, 8 code points after NFKC.
    { input: '𝔭𝔞𝔰𝔰𝔴𝔬𝔯d', says: 'it needs 15 characters', env: {} },
    { input: 'seven77', says: 'it needs 8 characters\n', env: { SECOND_FACTOR: 'everyone' } },
    { input: 'a'.repeat(257), says: '256 characters at most', env: {} },
    { input: 'strawberry 12345', says: 'is easily guessed', env: {} },
    { input: 'new.example.org 1', says: 'name or address of its owner', env: {} },
    { input: 'Meadow-Notes-2026', says: 'name of this service', env: { SITE_NAME: 'Meadow Notes' } },
    { input: `${PASSWORD}\n${PASSWORD}\n`, says: 'more than one line', env: {} },
  ])('are refused: $says', async ({ input, says, env }) => {
    const { status, stderr } = await run(['account', 'create', '--email', 'new@example.org', '--password-stdin'], {
      ...{ input, env },
    });
    expect([status, stderr]).toEqual([1, expect.stringContaining(says)]);
    if (input) expect(stderr).not.toContain(input.slice(0, 7));
  });

  it('are looked up where PASSWORD_RANGE_URL says', async () => {
    await using range = await startRangeServer([`${PASSWORD} lost`]);
    const options = { input: `${PASSWORD} lost`, env: { PASSWORD_RANGE_URL: range.url } };
    const { status, stderr } = await run(
      ['account', 'create', '--email', 'lost@example.org', '--password-stdin'],
      options,
    );
    expect([status, stderr]).toEqual([1, expect.stringContaining('known from other services')]);
    expect(range.requests.map(({ line }) => line)).toEqual([expect.stringMatching(/^GET \/range\/[0-9A-F]{5}$/)]);
  });

  it('may be shorter where a second factor is demanded', async () => {
    await json(['account', 'create', '--email', 'root@example.org', '--admin', '--password-stdin'], {
      input: 'otter8x8',
    });
    const everyone = { SECOND_FACTOR: 'everyone' };
    await json(['account', 'create', '--email', 'all@example.org', '--password-stdin'], {
      input: 'otter8x8',
      env: everyone,
    });
  });

  it('can be set anew', async () => {
    const { id } = await create('set@example.org');
    const outcome = await json(['account', 'set-password', id, '--password-stdin'], { input: `${PASSWORD} again\n` });
    const short = await run(['account', 'set-password', id, '--password-stdin'], { input: 'short' });
    expect(outcome).toEqual({ id, email: 'set@example.org', passwordSet: true, mustChangePassword: false });
    expect([short.status, short.stderr]).toEqual([1, expect.stringContaining('too short')]);
    expect(await verify(await storedHash('set@example.org'), `${PASSWORD} again`)).toBe(true);
  });
});

describe('account list and show', () => {
  it('never show a hash', async () => {
    const [text, all, shown, byId] = await Promise.all([
      run(['account', 'list']),
      json(['account', 'list']),
      run(['account', 'show', 'ADA@example.org']),
      json(['account', 'show', 'ada@example.org']),
    ]);
    expect(text.stdout).toMatch(/^ID +EMAIL +ROLE +STATUS +2ND FACTOR +NEW PASSWORD DUE +CREATED\n/);
    expect(text.stdout).toContain(byId.id);
    expect(shown.stdout).toMatch(/^email +ada@example\.org, not verified$/m);
    const { authenticators, passkeys, trustedBrowsers, recovery, roles, listedFor, ...listed } = byId;
    expect([authenticators, passkeys, trustedBrowsers, recovery]).toEqual([[], [], 0, null]);
    expect([roles, listedFor]).toEqual([[], []]);
    expect(all).toEqual(expect.arrayContaining([listed]));
    expect(text.stdout + shown.stdout + JSON.stringify(all)).not.toContain('argon2');
  });
});

it('account show counts the browsers that are trusted, and account sign-out ends that', async () => {
  const { id } = await create('trusting@example.org');
  await withStores(async ({ accounts, knownBrowsers }) => {
    const account = await accounts.find(id);
    const trust = { until: Date.now() + 86_400_000, factorsVersion: account?.factorsVersion ?? 0, replaces: null };
    const browser = { provedAt: Date.now() + 1000, most: 10, by: BY_OPERATOR };
    await knownBrowsers.add('one', id, { ...browser, trust });
    await knownBrowsers.add('two', id, browser);
  });
  const days = { TRUSTED_BROWSER_DAYS: '30' };
  const count = async () => (await json(['account', 'show', id], { env: days })).trustedBrowsers;
  expect(await count()).toBe(1);
  expect((await run(['account', 'show', id], { env: days })).stdout).toMatch(/^trusted browsers +1$/m);
  expect((await json(['account', 'show', id])).trustedBrowsers).toBe(0);
  await json(['account', 'sign-out', id]);
  expect(await count()).toBe(0);
});

it('every command says when there is no such account', async () => {
  const commands = [
    ...['show', 'update', 'set-password', 'disable', 'enable', 'reset-mfa', 'sign-out', 'unlock', 'delete'],
    'recover',
  ];
  const more: Record<string, string[]> = {
    update: ['--verified'],
    'set-password': ['--password-stdin'],
    'reset-mfa': ['--yes'],
    delete: ['--yes'],
  };
  const outcomes = await Promise.all(
    commands.map((name, i) => run(['account', name, i % 2 ? 'acc_x' : 'no@example.org', ...(more[name] ?? [])])),
  );
  for (const [i, { status, stdout, stderr }] of outcomes.entries()) {
    const who = i % 2 ? 'acc_x' : 'no@example.org';
    const sentence = `gatewright: there is no account ${who}: npx gatewright account list shows those there are\n`;
    expect([commands[i], status, stdout, stderr]).toEqual([commands[i], 1, '', sentence]);
  }
});

describe('account remove-authenticator', () => {
  const remove = (id: string, ...more: string[]) =>
    ['account', 'remove-authenticator', '--email', 'apps@example.org', '--id', id, ...more] as const;

  it('removes the one that account show names, and no other', async () => {
    const { id } = await create('apps@example.org');
    await withStores(async ({ accounts }) => {
      const totp = { secret: 'JBSWY3DPEHPK3PXP', confirmedStep: 1 };
      await accounts.enrolTotp(
        id,
        1,
        { ...totp, id: 'otp_own', name: 'Phone', recoveryCodeHashes: ['a'] },
        BY_OPERATOR,
      );
      await accounts.enrolTotp(id, 2, { ...totp, id: 'otp_eve', name: 'New', recoveryCodeHashes: null }, BY_OPERATOR);
    });
    const shown = await run(['account', 'show', 'apps@example.org']);
    expect(shown.stdout).toMatch(/^authenticators +otp_own {2}Phone, \d{4}-\S+Z\n +otp_eve {2}New, \d{4}-\S+Z$/m);

    expect((await run([...remove('otp_eve')])).status).not.toBe(0);
    const none = await run([...remove('otp_none', '--yes')]);
    expect([none.status, none.stderr]).toEqual([1, expect.stringContaining('apps@example.org has no authenticator')]);
    expect(await json([...remove('otp_eve', '--yes')])).toEqual({
      ...{ id, email: 'apps@example.org', removed: 'otp_eve', authenticatorsLeft: 1 },
    });
    const { authenticators, hasSecondFactor } = await json(['account', 'show', id]);
    expect([authenticators, hasSecondFactor]).toEqual([[expect.objectContaining({ id: 'otp_own' })], true]);
  });
});

describe('account remove-passkey', () => {
  const email = 'keys@example.org';

  it('removes the one that account show names, after a question that says what goes with it', async () => {
    const { id } = await create(email);
    await withStores(async ({ accounts, passkeys }) => {
      const account = await accounts.find(id);
      if (account) await passkeys.enrol(account, aPasskey({ id: 'psk_own', synced: true }), BY_OPERATOR);
    });
    const shown = await run(['account', 'show', email]);
    expect(shown.stdout).toMatch(/^passkeys +psk_own {2}Key \(unknown model, synced\), \d{4}-\S+Z, never used$/m);
    const { passkeys, hasSecondFactor } = await json(['account', 'show', id]);
    expect([passkeys, hasSecondFactor]).toEqual([[expect.objectContaining({ id: 'psk_own', model: null })], true]);
    expect(JSON.stringify(passkeys)).not.toContain('credential');

    expect((await run(['account', 'remove-passkey', email, 'psk_own'])).status).toBe(2);
    const none = await run(['account', 'remove-passkey', email, 'psk_none', '--yes']);
    expect([none.status, none.stderr]).toEqual([
      1,
      expect.stringContaining('keys@example.org has no passkey psk_none'),
    ]);
    expect(await json(['account', 'remove-passkey', email, 'psk_own', '--yes'])).toEqual({
      ...{ id, email, removed: 'psk_own', passkeysLeft: 0 },
    });
  });
});

describe('account update', () => {
  const update = (...args: string[]) => json(['account', 'update', 'claims@example.org', ...args]);
  beforeAll(async () => {
    await create('claims@example.org', '--name', 'Before');
  });

  it('sets and takes away every standard claim', async () => {
    const texts = {
      ...{
        given_name: 'Ada',
        family_name: 'Lovelace',
        middle_name: 'King',
        nickname: 'A=B',
        preferred_username: 'ada',
      },
      ...{
        profile: 'https://a.example/p',
        picture: 'https://a.example/i',
        website: 'http://a.example/',
        gender: 'female',
      },
      ...{ birthdate: '0000-12-10', zoneinfo: 'Europe/London', locale: 'en-GB', phone_number: '+44 20 7946 0000' },
    };
    const address = {
      ...{ formatted: '12 St James\nLondon', street_address: '12 St James', locality: 'London' },
      ...{ region: 'Greater London', postal_code: 'SW1Y', country: 'UK' },
    };
    const sets = [
      ...Object.entries(texts).map(([name, value]) => `${name}=${value}`),
      ...Object.entries(address).map(([name, value]) => `address.${name}=${value}`),
      'phone_number_verified=true',
    ].flatMap((set) => ['--set', set]);

    const { claims } = await update(...sets, '--unset', 'name');
    expect(claims).toEqual({ ...texts, address, phone_number_verified: true });

    const later = await update('--unset', 'address.region', '--set', 'phone_number=+4420', '--verified');
    expect(later.emailVerified).toBe(true);
    // Another number is not a verified one.
    expect(later.claims).not.toHaveProperty('phone_number_verified');
    expect(later.claims.address).not.toHaveProperty('region');
    const last = await update('--unset', 'address', '--unverified');
    expect([last.emailVerified, last.claims.address]).toEqual([false, undefined]);
  });

  it('changes nothing where one of several claims is refused', async () => {
    const before = await json(['account', 'show', 'ada@example.org']);
    const { status, stderr } = await run(['account', 'update', 'ada@example.org', '--set', 'name=x', '--set', 'sub=y']);
    expect([status, stderr]).toEqual([1, expect.stringContaining('never changes')]);
    expect(await json(['account', 'show', 'ada@example.org'])).toEqual(before);
  });
});

describe('account update --level', () => {
  const email = 'level@example.org';
  beforeAll(() => create(email));

  it('demands a level of one account, shows it, and takes it back', async () => {
    expect((await json(['account', 'update', email, '--level', 'two-factor'])).demandedLevel).toBe('two-factor');
    expect((await run(['account', 'show', email])).stdout).toMatch(/^must prove +two-factor$/m);
    const listed = (await json(['account', 'list'])).find((one: { email: string }) => one.email === email);
    expect(listed.demandedLevel).toBe('two-factor');
    const both = await json(['account', 'update', email, '--level', 'phishing-resistant', '--set', 'name=Ada']);
    expect([both.demandedLevel, both.claims.name]).toEqual(['phishing-resistant', 'Ada']);
    // What is not named stays.
    expect((await json(['account', 'update', email, '--verified'])).demandedLevel).toBe('phishing-resistant');
    expect((await json(['account', 'update', email, '--level', 'none'])).demandedLevel).toBeNull();
    expect((await run(['account', 'show', email])).stdout).not.toContain('must prove');
    const { stdout } = await run(['audit', 'list', '--event', 'account.level_set']);
    expect(stdout).toMatch(/ set the level demanded of level@example\.org \(level: two-factor\)/);
    expect(stdout).toMatch(/ \(level: none\)/);
  });

  it('refuses what nobody could prove here, with all that was named beside it', async () => {
    const args = ['account', 'update', email, '--level', 'phishing-resistant', '--set', 'nickname=x'];
    const { status, stderr } = await run(args, { env: { PASSKEYS: 'off' } });
    expect([status, stderr]).toEqual([1, expect.stringContaining('PASSKEYS is off')]);
    expect(await json(['account', 'show', email])).not.toMatchObject({ claims: { nickname: 'x' } });
    expect((await run(['account', 'update', email, '--level', 'trusted-browser'])).status).toBe(2);
  });
});

it('disable, enable, sign-out, unlock, reset-mfa and delete', async () => {
  const email = 'going@example.org';
  const { id } = await create(email);
  expect(await json(['account', 'disable', email])).toEqual({ id, email, status: 'disabled' });
  expect((await json(['account', 'show', id])).status).toBe('disabled');
  expect(await json(['account', 'enable', id])).toEqual({ id, email, status: 'active' });
  expect(await json(['account', 'sign-out', email])).toEqual({ id, email, signedOut: true });
  expect(await json(['account', 'unlock', email])).toEqual({ id, email, unlocked: true });
  const without = { id, email, hasSecondFactor: false, demandedLevel: null };
  expect(await json(['account', 'reset-mfa', email, '--yes'])).toEqual(without);
  expect(await json(['account', 'delete', email, '--yes'])).toEqual({ id, email, deleted: true });
  expect((await run(['account', 'show', id])).status).toBe(1);
});

it('unlock lifts the wait that the server imposed', async () => {
  const email = 'locked@example.org';
  const { id } = await create(email);
  const guess = () =>
    withStores(async ({ attempts: store, lastingKeys }) => {
      const limits = {
        passwords: 1,
        codes: 1,
        perAddress: 100,
        letters: 5,
        window: 900,
        spraying: { perPassword: 20, perAddress: 20 },
      };
      const attempts = createAttempts({ store, limits, clock: Date.now, keys: lastingKeys });
      await attempts.password(email, '192.0.2.1', 'a guess');
      await attempts.code(id, '192.0.2.1');
    });
  await guess();
  await expect(guess()).rejects.toThrow('too_many_attempts');
  await json(['account', 'unlock', id]);
  await guess();
});

describe('limit', () => {
  async function lockedOut() {
    const place = installation();
    const create = ['account', 'create', '--email', 'locked@example.org', '--password-stdin'];
    const { id, email } = await place.json(create, { input: PASSWORD });
    return { ...place, id, email };
  }

  it('list names the account where there is one, and lift lifts one account, one address or all', async () => {
    const { json, run, env, id, email } = await lockedOut();
    const guess = async (typed: string, address: string) => {
      const stores = await openStores({
        ...{ issuer: 'http://localhost:9', redis: null, longestLifetime: 1000, clock: Date.now },
        folders: { data: env['DATA_DIR'] ?? '', keys: env['KEYS_DIR'] ?? '' },
        database: { url: null, pool: 1 },
      });
      const limits = {
        passwords: 1,
        codes: 1,
        perAddress: 3,
        letters: 5,
        window: 900,
        spraying: { perPassword: 9, perAddress: 9 },
      };
      const attempts = createAttempts({ store: stores.attempts, limits, clock: Date.now, keys: stores.lastingKeys });
      const passed = await attempts.password(typed, address, 'a guess').then(
        () => true,
        () => false,
      );
      await stores.close();
      return passed;
    };
    expect((await run(['limit', 'list'])).stdout).toBe('Nobody must wait.\n');
    for (const typed of [email, email, 'nobody@example.org', 'nobody@example.org']) await guess(typed, '2001:db8::1');
    const kinds = (await json(['limit', 'list'])).map((row: { kind: string; account: { id: string } | null }) => [
      ...[row.kind, row.account?.id ?? null],
    ]);
    expect(kinds.sort()).toEqual([
      ['password-address', null],
      ['password-both', id],
    ]);
    expect((await run(['limit', 'list'])).stdout).toMatch(
      /^LIMIT +ACCOUNT +UNTIL\n[\s\S]*^password-both +locked@example\.org +20\d\d-/m,
    );

    expect(await guess(email, '2001:db8::2')).toBe(false);
    await json(['limit', 'lift', '--account', email]);
    expect(await guess(email, '2001:db8:1::1')).toBe(true);
    expect(await guess('third@example.org', '2001:db8::3')).toBe(false);
    await json(['limit', 'lift', '--address', '2001:db8::4']);
    expect(await guess('third@example.org', '2001:db8::3')).toBe(true);
    for (let count = 0; count < 3; count += 1) await guess('third@example.org', '2001:db8::3');
    expect((await run(['limit', 'lift', '--all'])).stdout).toMatch(/^(One wait is|2 waits are) lifted\.\n$/);
    expect(await json(['limit', 'list'])).toEqual([]);
  });

  it.each([[[]], [['--all', '--account', 'x']], [['--address', 'home']]])('lift refuses %j', async (options) => {
    expect((await installation().run(['limit', 'lift', ...options])).status).toBe(2);
  });
});

describe('setup-link', () => {
  it('replaces the link until there is an administrator, and says when the last one has gone', async () => {
    const { env, run, json } = installation();
    const { link } = await json(['setup-link']);
    expect(link).toMatch(/^http:\/\/localhost:9\/setup\/gwl_[\w-]{43}$/);
    const again = await run(['setup-link']);
    expect(again.stdout).toMatch(/^ {2}http:\/\/localhost:9\/setup\/gwl_/m);
    expect(again.stdout).not.toContain(link);
    const stored = readFileSync(path.join(env['DATA_DIR'] ?? '', 'gatewright.db'));
    expect(stored.includes(link.split('/').at(-1) as string)).toBe(false);

    await json(['account', 'create', '--email', 'a@example.org', '--admin', '--password-stdin'], { input: PASSWORD });
    const refused = await run(['setup-link', '--json']);
    expect([refused.status, refused.stdout]).toEqual([1, '']);
    expect(JSON.parse(refused.stderr).error).toContain('there is an administrator already');

    const deleted = await run(['account', 'delete', 'a@example.org', '--yes']);
    expect([deleted.status, deleted.stderr]).toEqual([0, expect.stringContaining('no administrator is left')]);
  });
});

describe('account export', { timeout: 90_000 }, () => {
  it('writes what the owner could download, and records it', async () => {
    await create('grace.export@example.org', '--name', 'Grace');
    const { status, stdout, stderr } = await run(['account', 'export', 'grace.export@example.org']);
    expect([status, stderr]).toEqual([0, '']);
    const data = JSON.parse(stdout);
    expect(data).toMatchObject({ format: 1, issuer: 'http://localhost:9', profile: { name: 'Grace' }, sessions: [] });
    expect(data.activity.map(({ event, by }: Record<string, string>) => [event, by])).toEqual([
      ['account.exported', 'others'],
      ['account.created', 'others'],
    ]);
    expect(stdout).not.toContain('argon2');
  });

  it('ends without a word where whoever reads it has seen enough', async () => {
    const { id } = await create('long.export@example.org');
    const trail = sqliteTables(path.join(env['DATA_DIR'] ?? '', 'gatewright.db'));
    await trail.execute(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
      INSERT INTO "AuditEvent" ("id", "at", "event", "actor", "accountId", "detail")
      SELECT 'evt_' || i, i, 'sign_in.failed', 'visitor', '${id}', '{}' FROM n`);
    const child = spawn(NODE, [CLI, 'account', 'export', id], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk) => {
      said += chunk;
    });
    child.stdout.once('data', () => child.stdout.destroy());
    const [status] = await once(child, 'close');
    expect([status, said]).toEqual([0, '']);
  });
});

describe('account delete --grace', { timeout: 90_000 }, () => {
  const email = 'leaving@example.org';

  it('says when the account goes, until it is enabled again', async () => {
    await create(email);
    const { deletionDueAt, deleted } = await json(['account', 'delete', email, '--grace', '--yes']);
    expect(deleted).toBe(false);
    expect(Date.parse(deletionDueAt) - Date.now()).toBeGreaterThan(13.9 * 24 * 60 * 60_000);
    expect(await json(['account', 'show', email])).toMatchObject({ status: 'leaving', deletionDueAt });
    for (const args of [['show', email], ['list']]) {
      expect((await run(['account', ...args])).stdout).toContain(`leaving, deleted ${deletionDueAt}`);
    }
    const twice = await run(['account', 'delete', email, '--grace', '--yes']);
    expect([twice.status, twice.stderr]).toEqual([1, expect.stringContaining('is to be deleted already')]);
    await run(['account', 'enable', email]);
    expect(await json(['account', 'show', email])).toMatchObject({ status: 'active', deletionDueAt: null });
    await json(['account', 'delete', email, '--yes']);
    expect((await run(['account', 'show', email])).status).toBe(1);
  });
});

describe.concurrent('account set-email', { timeout: 90_000 }, () => {
  it('gives another address, tells both, and ends the links that were mailed', async () => {
    const { id } = await create('moving@example.org', '--verified');
    await withStores(({ links }) =>
      links.send(id, {
        ...{ purpose: 'password-reset', language: 'en' },
        by: { actor: 'visitor', address: null, requestId: null },
      }),
    );
    const args = ['account', 'set-email', '--email', 'moving@example.org', '--to', ' Moved@Example.org '];
    expect(await json(args)).toMatchObject({ id, email: 'Moved@Example.org', emailVerified: false });
    const queued = await json(['mail', 'list']);
    const told = queued.filter((mail: { accountId: string }) => mail.accountId === id);
    expect(told.map((mail: { message: string; to: string }) => [mail.message, mail.to]).sort()).toEqual([
      ['email-set', 'M***@Example.org'],
      ['email-set', 'm***@example.org'],
      ['password-reset', 'm***@example.org'],
    ]);
    const events = await json(['audit', 'list', '--account', id]);
    expect(JSON.stringify(events)).toContain('email.changed');
    const verified = await json(['account', 'set-email', '--email', id, '--to', 'again@example.org', '--verified']);
    expect(verified).toMatchObject({ email: 'again@example.org', emailVerified: true });
  });

  it('refuses what is none, what somebody has, and whom there is not', async () => {
    await create('staying@example.org');
    const set = (email: string, to: string) => run(['account', 'set-email', '--email', email, '--to', to]);
    expect(await set('staying@example.org', 'nowhere')).toMatchObject({
      ...{ status: 2, stderr: expect.stringContaining('"nowhere" is not an email address') },
    });
    expect(await set('staying@example.org', 'ADA@example.org')).toMatchObject({
      ...{ status: 1, stderr: 'gatewright: there is an account with the address ADA@example.org already\n' },
    });
    expect(await set('nobody@example.org', 'free@example.org')).toMatchObject({
      ...{ status: 1, stderr: expect.stringContaining('there is no account nobody@example.org') },
    });
  });
});
