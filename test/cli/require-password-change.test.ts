import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { openStores, type Stores } from '../../src/store/open.ts';
import { CLI, type Installation, installation, NODE, PASSWORD } from './gatewright.ts';

async function withStores<T>({ env }: Installation, work: (stores: Stores) => Promise<T>): Promise<T> {
  const stores = await openStores({
    ...{ issuer: 'http://localhost:9', redis: null, longestLifetime: 1, clock: Date.now },
    ...{ folders: { data: env['DATA_DIR'] ?? '', keys: env['KEYS_DIR'] ?? '' }, database: { url: null, pool: 2 } },
  });
  return work(stores).finally(() => stores.close());
}

/** Accounts with these names, an administrator, and one that has no password. */
async function withAccounts(...names: string[]): Promise<Installation> {
  const place = installation();
  const admin = ['account', 'create', '--email', 'root@example.org', '--admin', '--password-stdin'];
  await place.json(admin, { input: PASSWORD });
  await withStores(place, async ({ accounts }) => {
    for (const name of [...names, 'none']) {
      const passwordHash = name === 'none' ? null : 'hash';
      const email = `${name}@example.org`;
      await accounts.create(
        { id: `acc_${name}`, email, emailVerified: true, role: 'user', passwordHash, claims: {} },
        BY_OPERATOR,
      );
    }
  });
  return place;
}

const COMMAND = ['account', 'require-password-change'];

describe('account require-password-change', { timeout: 90_000 }, () => {
  it('requires it of those who are named, says of whom it was required before, and shows it', async () => {
    const { run, json } = await withAccounts('ada', 'bob', 'eve');
    const named = ['ada', 'BOB', 'none'].flatMap((name) => ['--email', `${name}@example.org`]);
    expect(await json([...COMMAND, ...named])).toEqual([
      { id: 'acc_ada', email: 'ada@example.org', outcome: 'required' },
      { id: 'acc_bob', email: 'bob@example.org', outcome: 'required' },
      { id: 'acc_none', email: 'none@example.org', outcome: 'no-password' },
    ]);
    const { stdout } = await run([...COMMAND, '--email', 'ada@example.org']);
    expect(stdout).toBe('ada@example.org had to choose a new password already.\n');

    const event = 'account.password_change_required';
    const [list, table, shown, trail, words] = await Promise.all([
      json(['account', 'list']) as Promise<{ email: string; mustChangePassword: boolean }[]>,
      run(['account', 'list']),
      run(['account', 'show', 'acc_ada']),
      json(['audit', 'list', '--event', event]) as Promise<{ accountId: string }[]>,
      run(['audit', 'list']),
    ]);
    const must = list.filter(({ mustChangePassword }) => mustChangePassword).map(({ email }) => email);
    expect(must.sort()).toEqual(['ada@example.org', 'bob@example.org']);
    expect(table.stdout).toMatch(/ada@example\.org .* yes +20\d\d-/);
    expect(shown.stdout).toMatch(/^password +yes, to be changed/m);
    expect(trail.map(({ accountId }) => accountId).sort()).toEqual(['acc_ada', 'acc_bob']);
    expect(words.stdout).toContain('cli demanded a new password of');
  });

  it('changes nothing where one of them is not there, or nobody is named', async () => {
    const place = await withAccounts('ada');
    const { run, json } = place;
    const missing = await run([...COMMAND, '--email', 'ada@example.org', '--email', 'no@example.org']);
    expect([missing.status, missing.stderr]).toEqual([1, expect.stringContaining('no account no@example.org')]);
    for (const args of [[], ['--all', '--email', 'ada@example.org', '--yes']]) {
      const wrong = await run([...COMMAND, ...args]);
      expect([wrong.status, wrong.stderr]).toEqual([2, expect.stringContaining('--email ADDRESS, or --all')]);
    }
    const unasked = await run([...COMMAND, '--all']);
    expect([unasked.status, unasked.stderr]).toEqual([2, expect.stringContaining('confirm with --yes')]);
    expect(await json(['account', 'show', 'acc_ada'])).toMatchObject({ mustChangePassword: false });
  });

  it('requires it of all, and after a crash in the middle of the rest', async () => {
    const names = Array.from({ length: 60 }, (_, index) => `user${index}`);
    const place = await withAccounts(...names);
    const { root: cwd, env, run } = place;
    const child = spawn(NODE, [CLI, ...COMMAND, '--all', '--yes'], { cwd, env });
    const ended = new Promise((resolve) => child.once('close', resolve));
    child.stdout.resume();
    child.stderr.once('data', () => child.kill('SIGKILL'));
    await ended;
    expect(child.signalCode).toBe('SIGKILL');
    const left = await withStores(place, ({ accounts }) => accounts.passwordsToKeep());
    expect(left.length).toBeGreaterThan(0);
    expect(left.length).toBeLessThan(61);

    const { stdout, stderr } = await run([...COMMAND, '--all', '--yes']);
    expect(stdout).toBe(`A new password is required of ${left.length} accounts, which are signed out everywhere.\n`);
    expect(stderr).toMatch(/^Requiring: 10 %\n.*Requiring: 100 %\n$/s);
    await withStores(place, async ({ accounts, mails }) => {
      const must = (await accounts.list()).filter(({ mustChangePassword }) => mustChangePassword);
      expect(must.map(({ email }) => email).sort()).toEqual(
        [...names, 'root'].map((name) => `${name}@example.org`).sort(),
      );
      const told = (await mails.list()).map(({ accountId }) => accountId);
      expect([told.length, new Set(told).size]).toEqual([61, 61]);
    });
    expect(await place.json([...COMMAND, '--all', '--yes'])).toEqual({ required: 0 });
  });

  it('comes with a temporary password too, and goes with a lasting one', async () => {
    const { run, json } = await withAccounts('ada');
    const set = ['account', 'set-password', 'ada@example.org', '--password-stdin'];
    const { stdout } = await run([...set, '--must-change'], { input: PASSWORD });
    expect(stdout).toBe('ada@example.org has a new password, good for one sign-in, and is signed out everywhere.\n');
    expect(await json(['account', 'show', 'acc_ada'])).toMatchObject({ mustChangePassword: true });
    expect(await json(set, { input: PASSWORD })).toMatchObject({ passwordSet: true, mustChangePassword: false });
    expect(await json(['account', 'show', 'acc_ada'])).toMatchObject({ mustChangePassword: false });
  });

  it('says in its help that it spares nobody', async () => {
    const { stdout } = await installation().run([...COMMAND, '--help']);
    expect(stdout).toContain('--all spares nobody: your own account');
  });
});
