import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { checkConfig } from '../../src/cli/doctor-config.ts';
import { bounded } from '../../src/cli/doctor-failure.ts';
import { clockFinding } from '../../src/cli/doctor-installation.ts';
import { checkKeyring } from '../../src/cli/doctor-keyring.ts';
import type { Finding } from '../../src/cli/finding.ts';
import { parseConfig } from '../../src/config/config.ts';
import type { Env } from '../../src/config/env.ts';
import { DAY, toMilliseconds } from '../../src/lib/duration.ts';
import { OperatorProblem } from '../../src/lib/errors.ts';
import { openKeyring } from '../../src/lib/keyring.ts';
import { type Installation, installation, PASSWORD } from './gatewright.ts';

const data = ({ env }: Installation) => env['DATA_DIR'] ?? '';
const keys = ({ env }: Installation) => env['KEYS_DIR'] ?? '';

describe.concurrent('doctor', { timeout: 90_000 }, () => {
  type Check = { check: string; status: string; message: string };
  const found = (checks: Check[], check: string) => checks.filter((each) => each.check === check);

  it('knows that nothing is there yet, and leaves it like that', async () => {
    const place = installation();
    const { ok, checks } = await place.json(['doctor']);
    expect(ok).toBe(true);
    expect(found(checks, 'data folder')[0]?.status).toBe('note');
    expect(found(checks, 'server')[0]?.status).toBe('note');
    expect((await place.run(['client', 'list'])).stderr).toContain('there is no installation');
  });

  it('approves of an installation, and says what is missing', async () => {
    const place = installation();
    await place.json(['migrate']);
    const bare = await place.json(['doctor']);
    expect(bare.ok).toBe(true);
    expect(found(bare.checks, 'signing key')[0]?.status).toBe('warning');
    expect(found(bare.checks, 'administrator')[0]?.message).toContain('npx gatewright setup-link');
    expect(found(bare.checks, 'password hashes')[0]?.status).toBe('warning');
    expect(found(bare.checks, 'issuer')[0]?.status).toBe('note');

    await place.json(['key', 'rotate']);
    await place.json(['account', 'create', '--email', 'a@example.org', '--admin', '--password-stdin'], {
      input: PASSWORD,
    });
    const { status, stdout } = await place.run(['doctor'], { env: { ARGON2_MEMORY_KIB: '', ARGON2_PASSES: '' } });
    expect(status).toBe(0);
    for (const check of ['configuration', 'password hashes', 'data folder', 'keys folder', 'migrations', 'keyring']) {
      expect(stdout).toMatch(new RegExp(`^ok +${check} +\\S`, 'm'));
    }
    for (const check of ['signing key', 'administrator', 'clock'])
      expect(stdout).toMatch(new RegExp(`^ok +${check} `, 'm'));
  });

  it('finds what is wrong, and ends with 1', async () => {
    const place = installation();
    await place.json(['migrate']);

    chmodSync(data(place), 0o755);
    chmodSync(path.join(keys(place), 'keyring.json'), 0o644);
    const [modes, issuer, config] = await Promise.all([
      place.run(['doctor', '--json']),
      place.run(['doctor', '--json'], { env: { ISSUER: 'http://127.0.0.1:9' } }),
      place.run(['doctor', '--json'], { env: { ISSUER: 'http://id.example.org', PORT: 'x' } }),
    ]);
    expect([modes.status, modes.json.ok]).toEqual([1, false]);
    expect(found(modes.json.checks, 'data folder')[0]).toMatchObject({
      status: 'warning',
      message: expect.stringContaining('chmod 700'),
    });
    expect(found(modes.json.checks, 'keys folder')[0]).toMatchObject({
      status: 'problem',
      message: expect.stringContaining('chmod 600'),
    });
    expect(found(issuer.json.checks, 'installation')[0]?.message).toContain('belongs to the issuer http://localhost:9');
    expect([config.status, found(config.json.checks, 'configuration')]).toEqual([
      1,
      [expect.anything(), expect.anything()],
    ]);

    const database = new DatabaseSync(path.join(data(place), 'gatewright.db'));
    const move = database.prepare('UPDATE Installation SET standing = ?, leftFor = ?');
    move.run('left', 'postgresql://db.example.org/gatewright');
    const left = await place.run(['doctor', '--json']);
    expect(found(left.json.checks, 'installation')[0]?.message).toContain('was moved to postgresql://db.example.org');
    move.run('open', null);
    database.close();

    renameSync(path.join(keys(place), 'keyring.json'), path.join(keys(place), 'elsewhere'));
    const keyring = await place.run(['doctor', '--json']);
    expect(found(keyring.json.checks, 'installation')[0]?.message).toContain('keyring.json is missing');

    rmSync(data(place), { recursive: true });
    mkdirSync(data(place), { mode: 0o700 });
    writeFileSync(path.join(data(place), 'gatewright.db'), 'no database', { mode: 0o600 });
    const broken = await place.run(['doctor']);
    expect([broken.status, broken.stdout]).toEqual([1, expect.stringMatching(/^problem +migrations /m)]);
  });
});

describe('what the configuration says by itself', () => {
  const about = (check: string, env: Env) => checkConfig(parseConfig(env)).filter((each) => each.check === check);
  const PUBLIC = { METRICS_PORT: '9464', METRICS_HOST: '198.51.100.7' };

  it.each([
    ['proxies as wide as the internet', 'proxy', { TRUSTED_PROXIES: '10.0.0.1,0.0.0.0/0' }, ['problem']],
    ['the same of IPv6', 'proxy', { TRUSTED_PROXIES: '::/0' }, ['problem']],
    ['listed proxies', 'proxy', { TRUSTED_PROXIES: '10.0.0.1,172.16.0.0/12,::1' }, []],
    ['metrics for everybody', 'metrics', PUBLIC, ['warning']],
    ['metrics for an inner network', 'metrics', { ...PUBLIC, METRICS_HOST: '10.1.2.3' }, ['ok']],
    ['metrics beside the rest', 'metrics', {}, []],
    ['no metrics', 'metrics', { ISSUER: 'https://id.example.org' }, ['note']],
    ['no mail', 'mail', {}, []],
  ])('%s', (_name, check, env, statuses) => {
    const found = about(check, env);
    expect(found.map(({ status }) => status)).toEqual(statuses);
    expect(JSON.stringify(found)).not.toContain('secret');
  });
});

describe('a check', () => {
  it('that does not end, or fails, is a finding and disturbs no other', async () => {
    const never = bounded('slow', () => new Promise<Finding[]>(() => {}), 20);
    const fails = bounded('broken', async () => {
      throw new Error('out of order\nwith a stack');
    });
    const says = bounded('known', () => {
      throw new OperatorProblem('The keys are gone; put them back.');
    });
    const found = (await Promise.all([never, fails, says])).flat();
    expect(found.map(({ check, status, message }) => `${status} ${check} ${message}`)).toEqual([
      'problem slow is not known after 0.02 s: see that what it depends on answers',
      'problem broken cannot be used (out of order): see the log of what it depends on',
      'problem known the keys are gone; put them back',
    ]);
  });
});

describe('an old keyring', () => {
  it('is noted after a year', () => {
    const keyring = openKeyring(keys(installation()), { mayCreate: true });
    const after = (days: number) => checkKeyring(keyring, () => Date.now() + toMilliseconds(days * DAY));
    expect(after(360).map(({ status }) => status)).toEqual(['ok']);
    expect(after(370).map(({ status }) => status)).toEqual(['ok', 'note']);
  });
});

describe('the clock', () => {
  const now = Date.UTC(2030, 0, 1);
  const key = { kid: 'k1', createdAt: now + toMilliseconds(365 * DAY), revokedAt: null };

  it('is wrong, or was, where a key was made later than now', () => {
    const { status, message } = clockFinding([{ ...key, createdAt: now }, key], () => now);
    expect([status, message]).toEqual(['problem', expect.stringContaining('npx gatewright key rotate --revoke k1')]);
  });

  it('is right when that key is revoked', () => {
    expect(clockFinding([{ ...key, revokedAt: now }], () => now).status).toBe('ok');
    expect(clockFinding([], () => Date.UTC(2000, 0, 1)).status).toBe('problem');
  });
});
