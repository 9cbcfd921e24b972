import { beforeAll, describe, expect, it } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { newId } from '../../src/lib/ids.ts';
import { issueRegistrationAccessToken } from '../../src/registration/token.ts';
import { openStores } from '../../src/store/open.ts';
import { aClient } from '../store/samples.ts';
import { installation } from './gatewright.ts';

const TOKEN = /^ {2}(gwi_[\w-]{43})$/m;

/** Where registration is on, with an API. */
async function registering() {
  const place = installation();
  const env = { REGISTRATION: 'token' };
  const api = [
    '--type',
    'resource',
    '--name',
    'Orders',
    '--audience',
    'https://api.example.org',
    '--scope',
    'orders:read',
  ];
  await place.json(['client', 'create', ...api]);
  return {
    ...place,
    token: (...args: string[]) => place.run(['registration', 'token', ...args], { env }),
    json: (...args: string[]) => place.json(args, { env }),
    off: (...args: string[]) => place.run(args),
  };
}

/** As the server registers one. */
async function selfRegistered({ env }: { env: Record<string, string> }, tokenId: string, id = newId('cli')) {
  const folders = { data: String(env['DATA_DIR']), keys: String(env['KEYS_DIR']) };
  const database = { url: null, pool: 2 };
  const stores = await openStores({
    ...{ issuer: 'http://localhost:9', folders, database, redis: null, longestLifetime: 60, clock: Date.now },
  });
  const { tokenHash } = issueRegistrationAccessToken();
  await stores.registrations.registerByToken(
    aClient({ id, name: 'Preview' }),
    { secretHash: 'hash', accessTokenHash: tokenHash },
    tokenId,
    BY_OPERATOR,
  );
  await stores.close();
  return id;
}

describe.concurrent('gatewright registration token', { timeout: 120_000 }, () => {
  /** What is refused changes nothing there. */
  let refusing: ReturnType<typeof registering>;
  beforeAll(() => {
    refusing = registering();
  });

  it('create shows a token once and says what it is for; list and revoke know of it', async () => {
    const { token, json } = await registering();
    expect((await token('list')).stdout).toBe('No registration token was ever made.\n');
    const made = await token(
      ...['create', '--name', 'CI', '--uses', '5', '--expires', '7d', '--type', 'web', '--type', 'service'],
      ...[
        '--auth-method',
        'client_secret_basic',
        '--scope',
        'openid orders:read',
        '--audience',
        'https://api.example.org',
      ],
      ...['--redirect-host', '*.Preview.example.org', '--minimum-level', 'two-factor'],
    );
    expect([made.status, made.stderr]).toEqual([0, '']);
    expect(made.stdout).toMatch(/^Registration token rgt_\w+ for 5 applications, until 20\S+Z\. It is shown this once/);
    expect(made.stdout).toMatch(TOKEN);

    const [listed, ...more] = await json('registration', 'token', 'list');
    expect([listed, more]).toEqual([
      {
        ...{ id: expect.stringMatching(/^rgt_/), name: 'CI', usesLeft: 5, state: 'usable', revokedAt: null },
        ...{ createdAt: expect.stringMatching(/Z$/), expiresAt: expect.stringMatching(/Z$/) },
        policy: {
          ...{ types: ['web', 'service'], authMethods: ['client_secret_basic'], scopes: ['openid', 'orders:read'] },
          ...{ audiences: ['https://api.example.org'], redirectHosts: ['*.preview.example.org'] },
          ...{ deviceGrant: false, minimumLevel: 'two-factor' },
        },
      },
      [],
    ]);
    const minutes = (Date.parse(listed.expiresAt) - Date.parse(listed.createdAt)) / 60_000;
    expect(Math.ceil(minutes)).toBe(7 * 24 * 60);
    expect(JSON.stringify(await json('audit', 'list'))).not.toContain(String(TOKEN.exec(made.stdout)?.[1]));

    expect(await json('registration', 'token', 'revoke', listed.id)).toEqual({ id: listed.id, revoked: true });
    expect((await token('list')).stdout).toMatch(
      /^ID +NAME +STATE +USES LEFT +TYPES +UNTIL\nrgt_\w+ +CI +revoked +5 +web service /,
    );
    const again = await token('revoke', listed.id);
    expect([again.status, again.stderr]).toEqual([1, expect.stringContaining('is left to revoke: npx gatewright')]);
    expect((await json('audit', 'list')).map(({ event }: { event: string }) => event)).toEqual(
      expect.arrayContaining(['registration.token_created', 'registration.token_revoked']),
    );
  });

  it('create is for one application of a person, unless it says otherwise, and warns where registration is off', async () => {
    const { off, json } = await registering();
    const made = await off('registration', 'token', 'create', '--name', 'CI');
    expect([made.status, made.stderr]).toEqual([
      0,
      expect.stringContaining('registration is off: set REGISTRATION=token'),
    ]);
    expect(await json('registration', 'token', 'list')).toMatchObject([
      {
        usesLeft: 1,
        policy: { types: ['web', 'spa', 'native'], scopes: ['openid', 'profile', 'email'], audiences: [] },
      },
    ]);
  });

  it.each([
    [
      1,
      ['--name', 'CI', '--redirect-host', 'https://app.example.org'],
      '--redirect-host https://app.example.org must be a host',
    ],
    [1, ['--name', 'CI', '--redirect-host', '*'], '--redirect-host * must be a host'],
    [1, ['--name', 'CI', '--redirect-host', '*.org'], '--redirect-host *.org must be a host'],
    [1, ['--name', 'CI', '--scope', 'a"b'], '--scope: "a"b" is not a scope'],
    [1, ['--name', '\u202e'], '--name must have 1 to 100 visible characters'],
    [1, ['--name', 'CI', '--audience', 'https://other.example'], 'no API is registered as https://other.example'],
    [2, ['--name', 'CI', '--type', 'resource'], 'It is one of web, spa, native, service.'],
    [2, ['--name', 'CI', '--auth-method', 'tls_client_auth'], 'It is one of client_secret_basic'],
    [2, ['--name', 'CI', '--uses', '0'], 'It is a number from 1 to 10000, or any.'],
    [2, ['--name', 'CI', '--expires', '2y'], 'from 1h to 365d'],
    [2, [], "required option '--name <name>' not specified"],
  ] as [number, string[], string][])('create refuses with status %i: %j', async (status, args, problem) => {
    const { token } = await refusing;
    const outcome = await token('create', ...args);
    expect([outcome.status, outcome.stdout]).toEqual([status, '']);
    expect(outcome.stderr).toContain(problem.replace(/\.$/, ''));
  });
});

describe.concurrent('a client that registered itself', { timeout: 120_000 }, () => {
  it('is shown as such, is never a first party, and manages itself until an operator takes that away', async () => {
    const place = await registering();
    const { json, off } = place;
    const { id: tokenId } = await json('registration', 'token', 'create', '--name', 'CI', '--uses', 'any');
    const id = await selfRegistered(place, tokenId);
    expect(await json('client', 'show', id)).toMatchObject({ registeredBy: tokenId, managesItself: true });
    expect((await off('client', 'show', id)).stdout).toMatch(
      new RegExp(`^registered by +itself, with ${tokenId}; changes its own registration$`, 'm'),
    );
    expect((await off('client', 'list')).stdout).toMatch(new RegExp(`^${id} .* ${tokenId} +20`, 'm'));

    const party = await off('client', 'update', id, '--first-party', '--redirect-uri', 'https://a.example/');
    expect([party.status, party.stderr]).toEqual([
      1,
      expect.stringContaining('--first-party is for clients that an operator'),
    ]);
    const update = ['client', 'update', id, '--name', 'Preview 2', '--redirect-uri', 'https://a.example/'];
    expect(await json(...update)).toMatchObject({ name: 'Preview 2', managesItself: true });

    expect(await json('client', 'revoke-registration', id)).toEqual({ id, managesItself: false });
    expect(await json('client', 'show', id)).toMatchObject({ registeredBy: tokenId, managesItself: false });
    const again = await off('client', 'revoke-registration', id);
    expect([again.status, again.stderr]).toEqual([1, expect.stringContaining('does not manage its own registration')]);
    expect((await off('audit', 'list')).stdout).toContain(`cli ended the self-management of ${id}`);
  });
});
