import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { CLI, type Installation, installation, NODE } from './gatewright.ts';

const data = ({ env }: Installation) => env['DATA_DIR'] ?? '';
const keys = ({ env }: Installation) => env['KEYS_DIR'] ?? '';

describe.concurrent('key', { timeout: 90_000 }, () => {
  it('rotates: announced first, at once with --now', async () => {
    const { json, run } = installation();
    const first = await json(['key', 'rotate']);
    const second = await json(['key', 'rotate']);
    expect(Date.parse(first.activatesAt)).toBeLessThanOrEqual(Date.now());
    expect(Date.parse(second.activatesAt) - Date.now()).toBeGreaterThan(9 * 60_000);
    const third = await json(['key', 'rotate', '--now']);
    expect(third).toEqual({ kid: expect.any(String), activatesAt: expect.any(String), revoked: null });

    const list = await json(['key', 'list']);
    expect(list.map(({ kid, state }: { kid: string; state: string }) => [kid, state])).toEqual([
      [second.kid, 'announced'],
      [third.kid, 'active'],
      [first.kid, 'retired'],
    ]);
    expect(Object.keys(list[0])).toEqual(['kid', 'state', 'algorithm', 'createdAt', 'activatesAt', 'revokedAt']);
    const { stdout } = await run(['key', 'list']);
    expect(stdout).toMatch(/^KEY ID +STATE +CREATED +SIGNS FROM\n/);
  });

  it('revokes, and has another one sign at once', async () => {
    const { json, run } = installation();
    const leaked = await json(['key', 'rotate']);
    const next = await json(['key', 'rotate', '--revoke', leaked.kid, '--yes']);
    expect(Date.parse(next.activatesAt)).toBeLessThanOrEqual(Date.now());
    expect(next.revoked).toEqual({ kid: leaked.kid, trustedByCachesUntil: expect.any(String) });

    const [list, again, unknown] = await Promise.all([
      json(['key', 'list']),
      run(['key', 'rotate', '--revoke', leaked.kid, '--yes']),
      run(['key', 'rotate', '--revoke', 'nothing', '--yes']),
    ]);
    expect(list.map(({ state }: { state: string }) => state)).toEqual(['active', 'revoked']);
    expect([again.status, again.stderr]).toEqual([1, expect.stringContaining('is revoked already')]);
    expect([unknown.status, unknown.stderr]).toEqual([1, expect.stringContaining('there is no signing key nothing')]);
  });
});

describe.concurrent('migrate', { timeout: 90_000 }, () => {
  it('lists what would be done, does it, and finds nothing more to do', async () => {
    const place = installation();
    const { pending } = await place.json(['migrate', '--check']);
    expect(pending).toContain('0001_initial');
    expect(await place.json(['migrate', '--check'])).toEqual({ pending });
    expect(await place.json(['migrate'])).toEqual({ applied: pending });
    expect(await place.json(['migrate'])).toEqual({ applied: [] });
    expect((await place.run(['migrate', '--check'])).stdout).toBe('The database is up to date.\n');
    // The keyring came first: the database is usable.
    expect(await place.json(['client', 'list'])).toEqual([]);
  });
});

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
      input: 'eight888',
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

    renameSync(path.join(keys(place), 'keyring.json'), path.join(keys(place), 'elsewhere'));
    const keyring = await place.run(['doctor', '--json']);
    expect(found(keyring.json.checks, 'installation')[0]?.message).toContain('keyring.json is missing');

    rmSync(data(place), { recursive: true });
    mkdirSync(data(place), { mode: 0o700 });
    writeFileSync(path.join(data(place), 'gatewright.db'), 'no database', { mode: 0o600 });
    const database = await place.run(['doctor']);
    expect([database.status, database.stdout]).toEqual([1, expect.stringMatching(/^problem +migrations /m)]);
  });

  it('asks the server at the issuer who it is', async () => {
    const place = installation();
    const answers = (body: (origin: string) => string, date?: Date) =>
      new Promise<{ origin: string; close(): void }>((resolve) => {
        const server = http.createServer((_request, response) => {
          if (date) response.setHeader('Date', date.toUTCString());
          response.end(body(origin));
        });
        let origin = '';
        server.listen(0, '127.0.0.1', () => {
          origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
          resolve({ origin, close: () => server.close() });
        });
      });
    const servers = await Promise.all([
      answers((issuer) => JSON.stringify({ issuer })),
      answers((issuer) => JSON.stringify({ issuer }), new Date(Date.now() - 3_600_000)),
      answers(() => JSON.stringify({ issuer: 'https://other.example.org' })),
      answers(() => 'hello'),
    ]);
    const outcomes = await Promise.all(
      servers.map(({ origin }) => place.run(['doctor', '--json'], { env: { ISSUER: origin } })),
    );
    for (const { close } of servers) close();

    const server = outcomes.map(({ json }) => found(json.checks, 'server')[0]?.status);
    expect(server).toEqual(['ok', 'ok', 'problem', 'note']);
    expect(found(outcomes[1]?.json.checks, 'clock')).toContainEqual(expect.objectContaining({ status: 'warning' }));
  });
});

describe.concurrent('serve', { timeout: 90_000 }, () => {
  it('runs the server, which other commands do not disturb, until it is told to stop', async () => {
    const place = installation();
    const env = { ...place.env, PORT: '0' };
    const child = spawn(NODE, [CLI, 'serve'], { cwd: place.root, env, stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = new Promise((resolve) => child.on('exit', (status, signal) => resolve([status, signal])));
    try {
      for await (const line of createInterface(child.stdout)) if (line.includes('Gatewright is ready')) break;
      const { link } = await place.json(['setup-link']);
      expect(link).toContain('/setup/');
      expect(await place.json(['key', 'list'])).toHaveLength(1);
    } finally {
      child.kill('SIGTERM');
    }
    expect(await ended).toEqual([0, null]);
  });
});
