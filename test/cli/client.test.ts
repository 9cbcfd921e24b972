import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_API } from '../../src/clients/api.ts';
import { installation } from './gatewright.ts';

const { root, env, run, json } = installation();
const API = 'https://api.example.org';
const CALLBACK = 'https://wiki.example.org/callback';
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const web = (id: string, ...more: string[]) => [
  ...['client', 'create', '--type', 'web', '--name', 'Wiki', '--id', id, '--redirect-uri', CALLBACK],
  ...more,
];

beforeAll(async () => {
  await json(['client', 'create', '--type', 'resource', '--name', 'Orders', '--audience', API, '--id', 'orders']);
  await json(web('wiki'));
});

describe.concurrent('client create', { timeout: 90_000 }, () => {
  it('prints what to configure and the secret, once', async () => {
    const { status, stdout, stderr } = await run([
      'client',
      'create',
      '--type',
      'web',
      '--name',
      'Blog',
      '--redirect-uri',
      CALLBACK,
    ]);
    expect([status, stderr]).toEqual([0, '']);
    const id = /^client id +(cli_\w{22})$/m.exec(stdout)?.[1] ?? '';
    const secret = /^ {2}(gws_[\w-]{43})$/m.exec(stdout)?.[1] ?? '';
    expect(stdout).toMatch(/^issuer +http:\/\/localhost:9$/m);
    expect(secret).not.toBe('');

    const later = await run(['client', 'show', id]);
    expect(later.stdout).toContain('client_secret_basic');
    expect(later.stdout).not.toContain('gws_');
    for (const file of readdirSync(env['DATA_DIR'] ?? '')) {
      expect(readFileSync(path.join(env['DATA_DIR'] ?? '', file)).includes(secret)).toBe(false);
    }
  });

  it('takes every setting', async () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'one' }] };
    writeFileSync(path.join(root, 'jwks.json'), JSON.stringify(jwks));
    const outcome = await run([
      ...web('full', '--json', '--redirect-uri', 'https://wiki.example.org/other', '--first-party', '--no-pkce'),
      ...[
        '--post-logout-redirect-uri',
        'https://wiki.example.org/bye',
        '--backchannel-logout-uri',
        'https://wiki.example.org/out',
      ],
      ...[
        '--scope',
        'openid email',
        '--scope',
        'orders:read',
        '--audience',
        API,
        '--audience',
        'https://other.example.org',
      ],
      ...['--id-token-claims', '--no-userinfo-with-api', '--minimum-level', 'two-factor'],
      ...['--auth-method', 'private_key_jwt', '--jwks', 'jwks.json', '--logo-uri', 'https://wiki.example.org/logo.png'],
      ...[
        '--client-uri',
        'https://wiki.example.org/',
        '--policy-uri',
        'https://wiki.example.org/p',
        '--tos-uri',
        'https://wiki.example.org/t',
      ],
    ]);
    expect(outcome.stderr).toBe(
      `${JSON.stringify({ warning: 'no API is registered as https://other.example.org yet: npx gatewright api create --audience https://other.example.org …' })}\n`,
    );
    expect(outcome.json).toEqual({
      ...{
        id: 'full',
        secret: null,
        issuer: 'http://localhost:9',
        name: 'Wiki',
        type: 'web',
        status: 'active',
        registeredBy: null,
        managesItself: false,
        audience: null,
      },
      settings: {
        redirectUris: [CALLBACK, 'https://wiki.example.org/other'],
        postLogoutRedirectUris: ['https://wiki.example.org/bye'],
        backchannelLogoutUri: 'https://wiki.example.org/out',
        authMethod: 'private_key_jwt',
        scopes: ['openid', 'email', 'orders:read'],
        audiences: [API, 'https://other.example.org'],
        firstParty: true,
        pkceRequired: false,
        deviceGrant: false,
        idTokenClaims: true,
        userinfoWithApi: false,
        minimumLevel: 'two-factor',
        logoUri: 'https://wiki.example.org/logo.png',
        clientUri: 'https://wiki.example.org/',
        policyUri: 'https://wiki.example.org/p',
        tosUri: 'https://wiki.example.org/t',
        jwks,
        ...{ jwksUri: null, accounts: 'everyone', requirePar: false, requireSignedRequests: false },
        ...{ dpopBound: false, certificateBound: false, certificateSubject: null, securityEventsUri: null },
        api: DEFAULT_API,
      },
      secrets: [],
      createdAt: expect.stringMatching(ISO),
      updatedAt: expect.stringMatching(ISO),
    });
    expect(await json(['client', 'show', 'full'])).toEqual((({ secret, issuer, ...rest }) => rest)(outcome.json));
  });

  it('takes what binds its tokens and its requests, and takes it back', async () => {
    const at = 'https://wiki.example.org/jwks.json';
    const bound = await json(
      web('bound', '--jwks-uri', at, '--require-par', '--require-signed-requests', '--dpop-bound'),
    );
    const settings = { jwks: null, jwksUri: at, requirePar: true, requireSignedRequests: true, dpopBound: true };
    expect(bound['settings']).toMatchObject(settings);
    const { stdout } = await run(['client', 'show', 'bound']);
    for (const line of [
      'requests by PAR only +yes',
      'signed requests only +yes',
      'bound by DPoP +yes',
      `public keys at +${at}`,
    ])
      expect(stdout).toMatch(new RegExp(line));
    const off = ['--no-require-par', '--no-require-signed-requests', '--no-dpop-bound', '--jwks-uri', ''];
    expect((await json(['client', 'update', 'bound', ...off]))['settings']).toMatchObject({
      ...{ jwksUri: null, requirePar: false, requireSignedRequests: false, dpopBound: false },
    });
  });

  it('takes every level, and warns of one that nobody can reach here', async () => {
    const create = [
      'client',
      'create',
      '--type',
      'web',
      '--name',
      'Vault',
      '--redirect-uri',
      'https://vault.example.org/',
    ];
    const level = ['--minimum-level', 'phishing-resistant'];
    const { status, stderr } = await run([...create, '--id', 'vault', ...level]);
    expect([status, stderr]).toEqual([0, '']);
    const change = (to: string) =>
      run(['client', 'update', 'vault', '--minimum-level', to], { env: { PASSKEYS: 'off' } });
    expect((await change('phishing-resistant')).stderr).toContain('nobody can sign in to it');
    expect((await change('trusted-browser')).stderr).toBe('');
    expect((await json(['client', 'show', 'vault'])).settings.minimumLevel).toBe('trusted-browser');
    const unreachable = await run([...create, ...level], { env: { PASSKEYS: 'off' } });
    expect([unreachable.status, unreachable.stderr]).toEqual([0, expect.stringContaining('PASSKEYS is off')]);
  });

  it('has defaults for each type', async () => {
    const create = (type: string, ...more: string[]) =>
      json(['client', 'create', '--type', type, '--name', type, ...more]);
    const [spa, native, service, resource] = await Promise.all([
      create('spa', '--redirect-uri', 'https://shop.example.org/'),
      create('native', '--redirect-uri', 'org.example.app:/callback'),
      create('service', '--audience', API, '--scope', 'orders:read'),
      create('resource', '--audience', 'https://stock.example.org', '--scope', 'stock:read stock:write'),
    ]);
    expect([spa.secret, spa.settings.authMethod, spa.settings.scopes]).toEqual([
      null,
      'none',
      expect.arrayContaining(['openid']),
    ]);
    expect([native.secret, native.settings.authMethod]).toEqual([null, 'none']);
    expect([service.secret, service.settings.audiences]).toEqual([expect.stringMatching(/^gws_/), [API]]);
    expect(resource).toMatchObject({
      audience: 'https://stock.example.org',
      settings: { audiences: [], scopes: ['stock:read', 'stock:write'] },
    });
    expect(resource.secret).toMatch(/^gws_/);
  });

  it('lists every problem at once', async () => {
    const { status, stderr } = await run(
      web('x y', '--redirect-uri', 'http://a.example', '--logo-uri', 'javascript:1', '--audience', 'api'),
    );
    expect(status).toBe(1);
    expect(stderr.split('\n')).toEqual([
      'gatewright: the client cannot be registered like this:',
      expect.stringContaining('--id may have'),
      expect.stringContaining('--redirect-uri http://a.example must be https'),
      expect.stringContaining('--logo-uri must be an https address'),
      expect.stringContaining('--audience must be an absolute address'),
      '',
    ]);
  });

  it('refuses the name of this server itself', async () => {
    expect(await run(web('gatewright-account'))).toMatchObject({ status: 1 });
  });

  it('says which name is taken', async () => {
    const outcomes = await Promise.all([
      run([...web('wiki'), '--json']),
      run(['client', 'create', '--type', 'resource', '--name', 'x', '--audience', API]),
      run([
        'client',
        'create',
        '--type',
        'resource',
        '--name',
        'x',
        '--audience',
        API,
        '--audience',
        'https://b.example.org',
      ]),
      run(['client', 'create', '--type', 'resource', '--name', 'x']),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual([1, 1, 1, 1]);
    expect(JSON.parse(outcomes[0].stderr)).toEqual({
      error: expect.stringContaining('there is a client wiki already'),
    });
    expect(outcomes[1].stderr).toContain(`another API is registered as ${API} already`);
    expect(outcomes[2].stderr).toContain('exactly once');
    expect(outcomes[3].stderr).toContain('exactly once');
  });

  it('refuses key files that it cannot use', async () => {
    writeFileSync(path.join(root, 'text.json'), 'hello');
    writeFileSync(path.join(root, 'private.json'), JSON.stringify({ keys: [{ kty: 'RSA', d: 'secret' }] }));
    const outcomes = await Promise.all(
      ['none.json', 'text.json', 'private.json'].map((file) =>
        run(web('keys', '--auth-method', 'private_key_jwt', '--jwks', file)),
      ),
    );
    expect(outcomes.map(({ status, stderr }) => [status, stderr])).toEqual([
      [1, expect.stringContaining('cannot be read (ENOENT)')],
      [1, expect.stringContaining('holds no JSON object')],
      [1, expect.stringContaining('public keys only')],
    ]);
  });
});

describe.concurrent('client list and show', { timeout: 90_000 }, () => {
  it('are aligned for people and complete for programs', async () => {
    const [text, all] = await Promise.all([run(['client', 'list']), json(['client', 'list'])]);
    expect(text.stdout).toMatch(/^ID +NAME +TYPE +STATUS +REGISTERED BY +CREATED\n/);
    expect(text.stdout).toMatch(/^orders +Orders +resource +active +an operator +\d{4}-/m);
    expect(all).toContainEqual(await json(['client', 'show', 'wiki']));
    expect(JSON.stringify(all)).not.toMatch(/hash/i);
  });

  it('know what they do not know', async () => {
    const outcomes = await Promise.all(
      [
        ['show', 'nobody'],
        ['update', 'nobody', '--name', 'x'],
        ['rotate-secret', 'nobody'],
        ['disable', 'nobody'],
        ['enable', 'nobody'],
        ['delete', 'nobody', '--yes'],
      ].map((args) => run(['client', ...args])),
    );
    for (const { status, stdout, stderr } of outcomes) {
      expect([status, stdout, stderr]).toEqual([
        1,
        '',
        'gatewright: there is no client nobody: npx gatewright client list shows those there are\n',
      ]);
    }
  });
});

describe.concurrent('client update', { timeout: 90_000 }, () => {
  it('changes what is named and nothing else', async () => {
    const before = await json(
      web('changing', '--backchannel-logout-uri', 'https://wiki.example.org/out', '--first-party'),
    );
    const after = await json([
      ...[
        'client',
        'update',
        'changing',
        '--name',
        'New',
        '--redirect-uri',
        'https://new.example.org/',
        '--no-first-party',
      ],
      ...['--backchannel-logout-uri', '', '--scope', 'openid'],
    ]);
    expect(after).toMatchObject({ name: 'New', audience: null, secrets: before.secrets });
    expect(after.settings).toEqual({
      ...before.settings,
      redirectUris: ['https://new.example.org/'],
      backchannelLogoutUri: null,
      firstParty: false,
      scopes: ['openid'],
    });
  });

  it('has it told of security events, and takes that back', async () => {
    const uri = 'https://wiki.example.org/events';
    const made = await json(web('told', '--security-events-uri', uri));
    expect(made.settings.securityEventsUri).toBe(uri);
    expect((await run(['client', 'show', 'told'])).stdout).toMatch(
      /security events +https:\/\/wiki\.example\.org\/events/,
    );
    const taken = await json(['client', 'update', 'told', '--security-events-uri', '', '--json']);
    expect(taken.settings).toEqual({ ...made.settings, securityEventsUri: null });
  });

  it('lets devices use it, and takes that back', async () => {
    const create = ['client', 'create', '--type', 'native', '--id', 'tv', '--name', 'TV', '--device', '--json'];
    expect((await json(create)).settings).toMatchObject({ deviceGrant: true, redirectUris: [], authMethod: 'none' });
    expect((await run(['client', 'show', 'tv'])).stdout).toMatch(/device grant +yes/);
    const refused = await run(['client', 'update', 'tv', '--no-device']);
    expect(refused.stderr).toContain('--redirect-uri is missing');
    const update = ['client', 'update', 'tv', '--no-device', '--redirect-uri', 'https://tv.example.org/back'];
    expect((await json([...update, '--json'])).settings.deviceGrant).toBe(false);
    const spa = ['client', 'create', '--type', 'spa', '--name', 'X', '--redirect-uri', 'https://x.example.org/'];
    expect((await run([...spa, '--device'])).stderr).toContain('--device is for native and web clients only');
  });

  it('checks the result', async () => {
    const outcomes = await Promise.all([
      run(['client', 'update', 'wiki', '--redirect-uri', '']),
      run(['client', 'update', 'wiki', '--auth-method', 'none', '--no-pkce']),
      run(['client', 'update', 'orders', '--audience', '']),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual([1, 1, 1]);
    expect(outcomes[1].stderr.match(/^ {2}- /gm)).toHaveLength(2);
  });

  it('refuses a name with what would move the cursor of a terminal', async () => {
    await json(web('escape'));
    const { stdout, stderr, status } = await run(['client', 'update', 'escape', '--name', 'a\u001b[2Jb']);
    expect(status).toBe(1);
    expect(stdout + stderr).not.toContain('\u001b');
  });
});

describe.concurrent('client rotate-secret', { timeout: 90_000 }, () => {
  it('lets the old secret live for a while', async () => {
    const created = await json(web('rotating'));
    const rotated = await json(['client', 'rotate-secret', 'rotating', '--overlap', '30m']);
    expect(rotated).toEqual({
      id: 'rotating',
      secret: expect.stringMatching(/^gws_/),
      oldSecretsEndAt: expect.stringMatching(ISO),
      tokensRefused: false,
    });
    expect(rotated.secret).not.toBe(created.secret);
    const left = Date.parse(rotated.oldSecretsEndAt) - Date.now();
    expect(left).toBeGreaterThan(29 * 60_000);
    expect(left).toBeLessThanOrEqual(30 * 60_000);

    const { secrets } = await json(['client', 'show', 'rotating']);
    expect(secrets.map(({ expiresAt }: { expiresAt: string | null }) => expiresAt)).toEqual([
      null,
      rotated.oldSecretsEndAt,
    ]);
  });

  it('means a day where nothing is said', async () => {
    await json(web('daily'));
    const { stdout } = await run(['client', 'rotate-secret', 'daily']);
    const until = /works until (\S+)\.$/m.exec(stdout)?.[1] ?? '';
    expect(Math.round((Date.parse(until) - Date.now()) / 3_600_000)).toBe(24);
  });

  it('ends everything when the secret is compromised', async () => {
    await json(web('leaked'));
    const rotated = await json(['client', 'rotate-secret', 'leaked', '--compromised', '--yes']);
    expect(rotated.tokensRefused).toBe(true);
    expect(Date.parse(rotated.oldSecretsEndAt)).toBeLessThanOrEqual(Date.now());
  });

  it('is for clients that have one', async () => {
    await json([
      'client',
      'create',
      '--type',
      'spa',
      '--name',
      'Shop',
      '--id',
      'shop',
      '--redirect-uri',
      'https://shop.example.org/',
    ]);
    const { status, stderr } = await run(['client', 'rotate-secret', 'shop']);
    expect([status, stderr]).toEqual([1, expect.stringContaining('has no secret to rotate')]);
  });
});

it('client disable, enable and delete', async () => {
  await json(web('going'));
  expect(await json(['client', 'disable', 'going'])).toEqual({ id: 'going', status: 'disabled' });
  expect((await json(['client', 'show', 'going'])).status).toBe('disabled');
  expect(await json(['client', 'enable', 'going'])).toEqual({ id: 'going', status: 'active' });
  expect(await json(['client', 'delete', 'going', '--yes'])).toEqual({ id: 'going', deleted: true });
  expect((await run(['client', 'show', 'going'])).status).toBe(1);
});
