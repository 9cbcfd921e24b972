import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { issueApiKey } from '../../src/api-keys/format.ts';
import { installation } from './gatewright.ts';

const { env, run, json } = installation();
const API = 'https://api.example.org';
const KEY = /^ {2}(gwk_[0-9A-Za-z]{49})$/m;
const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const DAY = 24 * 60 * 60 * 1000;

const create = (...more: string[]) => [
  'api-key',
  'create',
  '--client',
  'job',
  '--api',
  API,
  '--name',
  'Night',
  ...more,
];
const READ = ['--permission', 'orders:read'];

beforeAll(async () => {
  const scopes = ['--scope', 'orders:read orders:write'];
  await json([
    'client',
    'create',
    '--type',
    'resource',
    '--name',
    'Orders',
    '--audience',
    API,
    '--id',
    'orders',
    ...scopes,
  ]);
  const job = ['client', 'create', '--type', 'service', '--name', 'Job', '--id', 'job', '--audience', API];
  await json([...job, ...scopes]);
});

describe.concurrent('gatewright api-key', { timeout: 90_000 }, () => {
  it('create prints the key, once, and keeps its hash', async () => {
    const { status, stdout, stderr } = await run(create(...READ));
    expect([status, stderr]).toEqual([0, '']);
    const [, key = ''] = KEY.exec(stdout) ?? [];
    const [, id = ''] = /^key id +(key_\w{22})$/m.exec(stdout) ?? [];
    expect([key, id]).not.toContain('');

    for (const args of [['show', id], ['list'], ['list', '--json']]) {
      const { stdout: shown } = await run(['api-key', ...args]);
      expect(shown).toContain(id);
      expect(shown).not.toContain('gwk_');
    }
    for (const file of readdirSync(env['DATA_DIR'] ?? '')) {
      expect(readFileSync(path.join(env['DATA_DIR'] ?? '', file)).includes(key)).toBe(false);
    }
    const verified = await run(['api-key', 'verify', '--json'], { input: `${key}\n` });
    expect(verified.json).toEqual({
      ...{ id, name: 'Night', clientId: 'job', apiId: 'orders', permissions: ['orders:read'], state: 'active' },
      ...{ createdAt: ISO, expiresAt: ISO, lastUsedAt: null, revokedAt: null, replacedBy: null },
    });
    const { createdAt, expiresAt } = verified.json;
    expect(Date.parse(expiresAt) - Date.parse(createdAt)).toBeGreaterThan(364 * DAY);
    expect(Date.parse(expiresAt) - Date.parse(createdAt)).toBeLessThanOrEqual(365 * DAY);
  });

  it('create takes permissions in any way, an API by its id, and a life without end', async () => {
    const made = await json([
      ...['api-key', 'create', '--client', 'job', '--api', 'orders', '--name', 'All', '--expires', 'never'],
      ...['--permission', 'orders:read orders:write', '--permission', 'orders:read'],
    ]);
    expect(made).toMatchObject({ permissions: ['orders:read', 'orders:write'], expiresAt: null, state: 'active' });
    expect(made.key).toMatch(/^gwk_/);
    const short = await json(create(...READ, '--expires', '90d'));
    expect(Date.parse(short.expiresAt) - Date.parse(short.createdAt)).toBeLessThanOrEqual(90 * DAY);
  });

  it('create names every problem', async () => {
    await json([
      'client',
      'create',
      '--type',
      'web',
      '--name',
      'Wiki',
      '--id',
      'wiki',
      '--redirect-uri',
      'https://w.example/',
    ]);
    const made = await run([
      'api-key',
      'create',
      '--client',
      'wiki',
      '--api',
      API,
      '--name',
      ' ',
      '--permission',
      'x y',
    ]);
    expect([made.status, made.stderr]).toEqual([
      1,
      [
        'gatewright: the key cannot be made like this:',
        '  - --client: Wiki is a web client: a key needs a service',
        '  - --name must have 1 to 100 visible characters',
        '  - --permission: the API has no "x"; it has orders:read, orders:write',
        '  - --permission: the API has no "y"; it has orders:read, orders:write\n',
      ].join('\n'),
    ]);
    for (const [args, status, problem] of [
      [create('--permission', ' '), 1, '--permission is missing: a key without any gives nothing'],
      [create(...READ, '--expires', '1s'), 2, 'from 1m to 3650d'],
      [create(...READ, '--expires', '3651d'), 2, 'from 1m to 3650d'],
      [create(), 2, "required option '--permission <names>' not specified"],
      [[...create(...READ), '--client', 'nobody'], 1, 'there is no client nobody'],
      [[...create(...READ), '--api', 'job'], 1, 'Job (job) is a service client and no API'],
      [
        ['client', 'create', '--type', 'service', '--name', 'X', '--id', 'gatewright-api-key'],
        1,
        'choose another --id',
      ],
    ] as [string[], number, string][]) {
      const outcome = await run(args);
      expect([outcome.status, outcome.stderr]).toEqual([status, expect.stringContaining(problem)]);
    }
  });

  it('create says where a key gives nothing yet', async () => {
    await json(['client', 'create', '--type', 'service', '--name', 'Far', '--id', 'far']);
    await json(['client', 'disable', 'far']);
    const { status, stderr } = await run([...create(...READ), '--client', 'far']);
    expect(status).toBe(0);
    expect(stderr).toBe(
      [
        `gatewright: warning: the key gives nothing yet: npx gatewright client update far --audience ${API} lets its client use that API`,
        'gatewright: warning: the key gives nothing yet: its client is disabled\n',
      ].join('\n'),
    );
  });

  it('rotate makes another in its place, which works beside it for a while', async () => {
    const old = await json(create(...READ, '--expires', '30d'));
    const next = await json(['api-key', 'rotate', old.id, '--overlap', '2h']);
    expect(next).toMatchObject({ replaces: old.id, permissions: ['orders:read'], name: 'Night', state: 'active' });
    expect(next.key).not.toBe(old.key);
    expect(Math.abs(Date.parse(next.oldKeyEndsAt) - Date.parse(next.createdAt) - DAY / 12)).toBeLessThan(10_000);
    expect(Math.abs(Date.parse(next.expiresAt) - Date.parse(next.createdAt) - 30 * DAY)).toBeLessThan(10_000);
    const shown = await json(['api-key', 'show', old.id]);
    expect(shown).toMatchObject({ state: 'replaced', replacedBy: next.id, expiresAt: next.oldKeyEndsAt });

    const again = await run(['api-key', 'rotate', old.id]);
    expect([again.status, again.stderr]).toEqual([
      1,
      `gatewright: Night (${old.id}) was replaced by ${next.id} already: rotate that one\n`,
    ]);
    const last = await run(['api-key', 'rotate', next.id, '--overlap', '0', '--expires', 'never']);
    expect(last.stdout).toMatch(/which has ended\.\n/);
    expect(last.stdout).toMatch(/^expires +never$/m);
    expect(await json(['api-key', 'show', next.id])).toMatchObject({ state: 'expired' });
    expect((await run(['api-key', 'rotate', old.id, '--overlap', '91d'])).status).toBe(2);
  });

  it('revoke ends it, once', async () => {
    const { id, key } = await json(create(...READ));
    expect(await json(['api-key', 'revoke', id])).toEqual({ id, state: 'revoked' });
    const again = await run(['api-key', 'revoke', id]);
    expect([again.status, again.stderr]).toEqual([1, `gatewright: Night (${id}) is revoked already\n`]);
    const rotated = await run(['api-key', 'rotate', id]);
    expect(rotated.stderr).toBe(
      `gatewright: Night (${id}) is revoked: make another with npx gatewright api-key create\n`,
    );
    const found = await run(['api-key', 'verify'], { input: key });
    expect(found.stdout).toMatch(/^state +revoked$/m);
    const events = await json(['audit', 'list', '--event', 'api_key.revoked']);
    expect(JSON.stringify(events)).toContain(id);
    expect(JSON.stringify(events)).not.toContain(key);
  });

  it('verify tells keys of this installation from others, and from what is none', async () => {
    for (const [input, problem] of [
      [issueApiKey().key, 'this is an API key, but none of this installation, or its client or API was deleted'],
      ['gwk_mistyped', 'this is no API key, or not all of it: its checksum does not fit'],
      ['', 'this is no API key, or not all of it: its checksum does not fit'],
      ['a\nb', 'the API key on standard input has more than one line'],
    ] as const) {
      const { status, stderr } = await run(['api-key', 'verify'], { input });
      expect([status, stderr]).toEqual([1, `gatewright: ${problem}\n`]);
    }
  });

  it('is named by its id alone', async () => {
    const { key } = issueApiKey();
    for (const verb of ['show', 'rotate', 'revoke']) {
      const { status, stdout, stderr } = await run(['api-key', verb, key]);
      expect([status, stdout]).toEqual([1, '']);
      expect(stderr).toContain('that is the key itself');
      expect(stderr).not.toContain(key);
      expect((await run(['api-key', verb, 'key_none'])).stderr).toContain('there is no API key key_none');
    }
  });

  it('list narrows down', async () => {
    const audience = 'https://other.example.org';
    await json([
      'client',
      'create',
      '--type',
      'resource',
      '--name',
      'O',
      '--audience',
      audience,
      '--id',
      'other',
      '--scope',
      'a',
    ]);
    expect((await run(['api-key', 'list', '--api', 'other'])).stdout).toBe('There are no keys.\n');
    const { id } = await json([...create('--permission', 'a'), '--api', audience]);
    for (const of of [
      ['--api', audience],
      ['--api', 'other', '--client', 'job'],
    ]) {
      expect((await json(['api-key', 'list', ...of])).map((key: { id: string }) => key.id)).toEqual([id]);
    }
    for (const of of [
      ['--client', 'wiki-none'],
      ['--api', 'nothing'],
    ]) {
      expect((await run(['api-key', 'list', ...of])).stderr).toMatch(/there is no (client wiki-none|API nothing)/);
    }
    expect((await run(['api-key', 'list'])).stdout).toMatch(
      /^ID +NAME +STATE +CLIENT +API +PERMISSIONS +CREATED +EXPIRES +LAST USED\n/,
    );
  });
});
