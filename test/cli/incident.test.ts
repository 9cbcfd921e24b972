import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { defaultSettings } from '../../src/clients/client.ts';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { openStores, type Stores } from '../../src/store/open.ts';
import { sqliteTables } from '../support/tables.ts';
import { CLI, type Installation, installation, NODE, PASSWORD } from './gatewright.ts';

async function withStores<T>({ env }: Installation, work: (stores: Stores) => Promise<T>): Promise<T> {
  const stores = await openStores({
    ...{ issuer: 'http://localhost:9', redis: null, longestLifetime: 1, clock: Date.now },
    ...{ folders: { data: env['DATA_DIR'] ?? '', keys: env['KEYS_DIR'] ?? '' }, database: { url: null, pool: 2 } },
  });
  return work(stores).finally(() => stores.close());
}

/** No server runs. There are an administrator, accounts with these names, and one client. */
async function withAccounts(...names: string[]): Promise<Installation> {
  const place = installation();
  const admin = ['account', 'create', '--email', 'root@example.org', '--admin', '--password-stdin'];
  await place.json(admin, { input: PASSWORD });
  await withStores(place, async ({ accounts, clients }) => {
    for (const name of names) {
      const email = `${name}@example.org`;
      await accounts.create(
        { id: `acc_${name}`, email, emailVerified: true, role: 'user', passwordHash: 'hash', claims: {} },
        BY_OPERATOR,
      );
    }
    const settings = defaultSettings('web');
    await clients.create({ id: 'web', name: 'Notes', type: 'web', audience: null, settings }, 'hash', BY_OPERATOR);
  });
  return place;
}

const REASON = ['--reason', 'laptop stolen'];

describe('incident', { timeout: 90_000 }, () => {
  it('says what is wrong with the command, and does nothing', async () => {
    const place = await withAccounts('ada');
    const refused: [string[], number, string][] = [
      [['--email', 'ada@example.org'], 2, "required option '--reason <text>'"],
      [[...REASON], 2, 'one of --account, --email, --client and --everything'],
      [[...REASON, '--email', 'ada@example.org', '--everything'], 2, 'one of --account'],
      [[...REASON, '--email', 'ada@example.org', '--disable'], 2, 'name it with --client'],
      [[...REASON, '--client', 'web', '--keep-passwords'], 2, 'passwords stay anyway'],
      [[...REASON, '--everything', '--rotate-keys', '--revoke-keys'], 2, 'leave --rotate-keys out'],
      [['--reason', ' ', '--everything'], 2, 'must say what happened'],
      [[...REASON, '--everything', '--since', 'ever'], 2, '--since must be a length of time'],
      [[...REASON, '--everything', '--no-json'], 2, 'unknown option'],
      [[...REASON, '--email', 'no@example.org', '--yes'], 1, 'there is no account no@example.org'],
      [[...REASON, '--client', 'none', '--yes'], 1, 'there is no client none'],
      [[...REASON, '--everything', '--yes', '--report', '/nowhere/at/all.json'], 1, 'the report cannot be written'],
      [[...REASON, '--everything', '--yes', '--report', place.root], 1, `${place.root} is a folder: name a file`],
    ];
    const outcomes = await Promise.all(refused.map(([args]) => place.run(['incident', ...args])));
    for (const [index, { status, stdout, stderr }] of outcomes.entries()) {
      const [args, expected, sentence] = refused[index] ?? [[], 0, ''];
      expect([args, status, stdout, stderr]).toEqual([args, expected, '', expect.stringContaining(sentence)]);
    }
    expect((await place.run(['incident', ...REASON, '--everything'])).stderr).toContain('confirm with --yes');
    await withStores(place, async ({ auditTrail, accounts }) => {
      expect(await auditTrail.latest(10, { event: 'incident.opened' })).toEqual([]);
      expect(await accounts.passwordsToKeep()).toHaveLength(2);
    });
  });

  it('says what would be done, with --dry-run, and writes nothing', async () => {
    const place = await withAccounts('ada');
    const data = place.env['DATA_DIR'] ?? '';
    const before = await withStores(place, ({ auditTrail }) => auditTrail.latest(100));
    const report = await place.json(['incident', ...REASON, '--everything', '--revoke-keys', '--dry-run']);
    expect(report).toMatchObject({ incidentId: null, dryRun: true, lettersQueued: 2, clients: [{ clientId: 'web' }] });
    expect(report.accounts.map(({ password }: { password: string }) => password)).toEqual(['required', 'required']);
    expect(existsSync(path.join(data, 'incidents'))).toBe(false);
    await withStores(place, async ({ auditTrail, accounts }) => {
      expect(await auditTrail.latest(100)).toEqual(before);
      expect(await accounts.passwordsToKeep()).toHaveLength(2);
    });
  });

  it('is reported on the terminal, and in a file that nobody else reads and no other report replaces', async () => {
    const place = await withAccounts('ada');
    const file = path.join(place.root, 'what happened.json');
    writeFileSync(file, 'another report');
    const args = ['incident', ...REASON, '--email', 'ada@example.org', '--yes'];
    const there = await place.run([...args, '--report', file]);
    expect([there.status, there.stderr]).toEqual([1, expect.stringContaining('is there already')]);
    expect(readFileSync(file, 'utf8')).toBe('another report');
    expect(await withStores(place, ({ accounts }) => accounts.passwordsToKeep())).toHaveLength(2);

    const { stdout, stderr } = await place.run([...args, '--rotate-keys']);
    expect(stderr).toBe('');
    for (const line of [/^reason +laptop stolen$/m, /^scope +acc_ada$/m, /^new passwords +1$/m, /^letters +1$/m]) {
      expect(stdout).toMatch(line);
    }
    expect(stdout).toMatch(/^still to deliver +(mail 1|end-account 1)\n +(mail 1|end-account 1)$/m);
    expect(stdout).toMatch(/^key added +\S+, signs from 20/m);
    expect(stdout).toMatch(/^keys revoked +none$/m);
    const written = /^The report is in (.+)\.$/m.exec(stdout)?.[1] ?? '';
    expect(statSync(written).mode & 0o777).toBe(0o600);
    expect(statSync(path.dirname(written)).mode & 0o777).toBe(0o700);
    expect(JSON.parse(readFileSync(written, 'utf8'))).toMatchObject({ reason: 'laptop stolen' });
    const trail = await place.run(['audit', 'list', '--account', 'acc_ada']);
    expect(trail.stdout).toContain('cli ended in an incident the access of ada@example.org');
    expect(trail.stdout).not.toContain('laptop');
  });

  it('counts nothing that was refused before, though no server has removed it yet', async () => {
    const place = await withAccounts('ada');
    await withStores(place, ({ artifacts }) => {
      const keys = { uid: 'uid-1', grantId: null, accountId: 'acc_ada', clientId: null, sessionUid: 'uid-1' };
      const payload = { uid: 'uid-1', accountId: 'acc_ada', authorizations: { web: { sid: 'sid-1' } } };
      return artifacts.put('Session', 'session-1', payload, keys, Date.now() + 600_000);
    });
    const args = ['incident', '--email', 'ada@example.org', '--yes', '--reason'];
    expect((await place.json([...args, 'one'])).accounts).toMatchObject([{ sessions: 1, password: 'required' }]);
    expect((await place.json([...args, 'two'])).accounts).toMatchObject([{ sessions: 0, password: 'already' }]);
  });

  it('reports what came before, however much it did itself, and says where there is more', async () => {
    const place = await withAccounts('ada');
    const trail = sqliteTables(path.join(place.env['DATA_DIR'] ?? '', 'gatewright.db'));
    const at = Date.now() - 60_000;
    await trail.execute(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10001)
      INSERT INTO "AuditEvent" ("id", "at", "event", "actor", "accountId", "detail")
      SELECT 'evt_' || i, ${at} + i, 'sign_in.failed', 'visitor', 'acc_ada', '{}' FROM n`);
    const { stdout } = await place.run(['incident', ...REASON, '--email', 'ada@example.org', '--yes']);
    expect(stdout).toMatch(/^events +100\d\d since \S+, and more that npx gatewright audit export writes$/m);
    const written = /^The report is in (.+)\.$/m.exec(stdout)?.[1] ?? '';
    const { events, eventsLeftOut } = JSON.parse(readFileSync(written, 'utf8'));
    const names = events.map(({ event }: { event: string }) => event);
    expect([eventsLeftOut, names.indexOf('incident.opened')]).toEqual([true, 10_000]);
    expect(names.slice(10_000)).toContain('incident.account_ended');
  });

  it('goes on where it was after a crash, ends nothing twice, and is another incident when it is done', async () => {
    const names = Array.from({ length: 60 }, (_, index) => `user${index}`);
    const place = await withAccounts(...names);
    const args = ['incident', ...REASON, '--everything', '--revoke-keys', '--yes'];
    const child = spawn(NODE, [CLI, ...args], { cwd: place.root, env: place.env });
    const ended = new Promise((resolve) => child.once('close', resolve));
    child.stdout.resume();
    child.stderr.once('data', () => child.kill('SIGKILL'));
    await ended;
    expect(child.signalCode).toBe('SIGKILL');
    const first = await withStores(place, async ({ auditTrail, signingKeys, accounts }) => ({
      events: await auditTrail.latest(100, { event: 'incident.account_ended' }),
      keys: (await signingKeys.list()).map(({ kid }) => kid).sort(),
      accounts: await accounts.list(),
    }));
    expect(first.events.length).toBeGreaterThan(0);
    expect(first.events.length).toBeLessThan(61);

    const { status, stdout, stderr } = await place.run(args);
    expect(status).toBe(0);
    expect(stderr).toMatch(/warning: this goes on with inc_\w+, which was begun at/);
    expect(stdout).toMatch(/^accounts +61$/m);
    await withStores(place, async ({ auditTrail, signingKeys, accounts, mails }) => {
      const all = await auditTrail.latest(1_000, { event: 'incident.account_ended' });
      expect([all.length, new Set(all.map(({ accountId }) => accountId)).size]).toEqual([61, 61]);
      expect(new Set(all.map(({ detail }) => JSON.parse(detail).incidentId)).size).toBe(1);
      expect((await mails.list()).filter(({ message }) => message === 'incident')).toHaveLength(61);
      expect((await signingKeys.list()).map(({ kid }) => kid).sort()).toEqual(first.keys);
      expect(await accounts.passwordsToKeep()).toEqual([]);
      // Whoever was ended before the crash may have signed in since.
      const now = new Map((await accounts.list()).map(({ id, notBefore }) => [id, notBefore]));
      for (const { accountId } of first.events) {
        expect(now.get(accountId ?? '')).toBe(first.accounts.find(({ id }) => id === accountId)?.notBefore);
      }
    });
    expect(readdirSync(path.join(place.env['DATA_DIR'] ?? '', 'incidents'))).toHaveLength(1);
    const again = await place.json(args);
    expect(again.accounts).toHaveLength(61);
    const opened = await withStores(place, ({ auditTrail }) => auditTrail.latest(10, { event: 'incident.opened' }));
    expect(opened).toHaveLength(2);
  });
});
