import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { DAY, HOUR, toMilliseconds } from '../../src/lib/duration.ts';
import { sha256 } from '../../src/lib/hash.ts';
import { openStores, type Stores } from '../../src/store/open.ts';
import { aTotp } from '../store/samples.ts';
import { type Installation, installation, PASSWORD } from './gatewright.ts';

const EMAIL = 'ada@example.org';
const LINK = /http:\/\/localhost:9\/link\/(gwl_[\w-]{43})/;
/** From here on there is no mail without a server for it. */
const PUBLIC = { ISSUER: 'https://id.example.org' };

async function withStores<T>({ env }: Installation, work: (stores: Stores) => Promise<T>): Promise<T> {
  const stores = await openStores({
    ...{ issuer: env['ISSUER'] ?? '', redis: null, longestLifetime: 1, clock: Date.now },
    ...{ folders: { data: env['DATA_DIR'] ?? '', keys: env['KEYS_DIR'] ?? '' }, database: { url: null, pool: 2 } },
  });
  return work(stores).finally(() => stores.close());
}

async function withAda(env: Record<string, string> = {}) {
  const place = installation();
  Object.assign(place.env, env);
  const { id } = await place.json(['account', 'create', '--email', EMAIL, '--password-stdin'], { input: PASSWORD });
  return {
    ...place,
    id: String(id),
    recover: (...args: string[]) => place.run(['account', 'recover', EMAIL, ...args]),
    events: async () =>
      ((await place.json(['audit', 'list'])) as { event: string }[])
        .map(({ event }) => event)
        .filter((event) => event.startsWith('account.recover')),
    open: (token: string) => withStores(place, ({ links }) => links.open(sha256(token))),
  };
}

const between = ({ opensAt }: { opensAt: string }) => Date.parse(opensAt) - Date.now();

describe.concurrent('gatewright account recover', { timeout: 90_000 }, () => {
  it('shows a link once, which opens after a day and is kept nowhere; show tells of it; a newer one ends it', async () => {
    const { recover, json, run, open, env, id, events } = await withAda();
    const made = await recover();
    expect([made.status, made.stderr]).toEqual([0, '']);
    expect(made.stdout).toMatch(
      /^Give this link to the owner of ada@example\.org, in person\. It opens at 20\S+Z, and works once/,
    );
    const [link = '', token = ''] = LINK.exec(made.stdout) ?? [];
    for (const file of ['gatewright.db', 'gatewright.db-wal']) {
      const kept = readFileSync(path.join(env['DATA_DIR'] ?? '', file), { flag: 'a+' }).toString('latin1');
      expect(kept).not.toContain(token.slice(4));
    }
    expect(await open(token)).toMatchObject({ purpose: 'account-recovery', accountId: id });
    const said = JSON.stringify([
      await json(['account', 'show', id]),
      await json(['audit', 'list']),
      await json(['mail', 'list']),
    ]);
    expect(said).not.toContain(token.slice(4));
    expect(await json(['mail', 'list'])).toMatchObject([{ message: 'account-recovery', to: 'a***@example.org' }]);

    const { recovery } = await json(['account', 'show', id]);
    expect(Math.abs(between(recovery) - toMilliseconds(DAY))).toBeLessThan(60_000);
    expect(Date.parse(recovery.expiresAt) - Date.parse(recovery.opensAt)).toBe(72 * 60 * 60 * 1000);
    expect((await run(['account', 'show', id])).stdout).toMatch(/^recovery +open from 20\S+Z until 20\S+Z$/m);

    const next = await json(['account', 'recover', id, '--wait', '3d']);
    expect(next).toMatchObject({ id, email: EMAIL, mailed: false, link: expect.stringMatching(LINK) });
    expect(next.link).not.toBe(link);
    expect(Math.abs(between(next) - toMilliseconds(3 * DAY))).toBeLessThan(60_000);
    expect(await open(token)).toBeNull();
    expect(await events()).toEqual(['account.recovery_started', 'account.recovery_started']);
  });

  it('--mail shows no link, and --cancel ends it, once', async () => {
    const { recover, json, events, id } = await withAda();
    const made = await recover('--mail');
    expect(made.stdout).toMatch(/^Letters to ada@example\.org are queued, one of them with the link\. It opens at /);
    expect(made.stdout).not.toContain('/link/');
    const queued = (await json(['mail', 'list'])).map(({ message }: { message: string }) => message);
    expect(queued.sort()).toEqual(['account-recovery', 'account-recovery-link']);
    expect(await json(['account', 'recover', id, '--cancel'])).toEqual({ id, email: EMAIL, stopped: true });
    expect((await json(['account', 'show', id])).recovery).toBeNull();
    const again = await recover('--cancel');
    expect([again.status, again.stderr]).toEqual([1, 'gatewright: no recovery of ada@example.org is under way\n']);
    expect((await events()).sort()).toEqual(['account.recovery_started', 'account.recovery_stopped']);
  });

  it('waits as long as RECOVERY_WAIT_HOURS says, and less only where that is confirmed', async () => {
    const { recover, json, events } = await withAda({ RECOVERY_WAIT_HOURS: '48' });
    const short = await recover('--wait', '47h');
    expect([short.status, short.stdout]).toEqual([2, '']);
    expect(short.stderr).toContain('confirm with --yes');
    expect(await events()).toEqual([]);
    expect(Math.abs(between(await json(['account', 'recover', EMAIL])) - toMilliseconds(2 * DAY))).toBeLessThan(60_000);
    const none = await json(['account', 'recover', EMAIL, '--wait', '0h', '--yes']);
    expect(between(none)).toBeLessThanOrEqual(0);
    const same = await json(['account', 'recover', EMAIL, '--wait', '48h']);
    expect(Math.abs(between(same) - toMilliseconds(48 * HOUR))).toBeLessThan(60_000);
    for (const hours of ['-1', '721', '1.5', 'soon']) {
      const wrong = await json(['account', 'show', EMAIL], { env: { RECOVERY_WAIT_HOURS: hours } }).catch(String);
      expect(wrong).toContain('RECOVERY_WAIT_HOURS must be a whole number from 0 to 720');
    }
  });

  it('is refused where the account is disabled, and warns where nobody can be told', async () => {
    const { recover, run, events } = await withAda(PUBLIC);
    const mailed = await recover('--mail');
    expect([mailed.status, mailed.stdout]).toEqual([1, '']);
    expect(mailed.stderr).toContain('no mail goes out from here: set SMTP_URL');
    const shown = await recover();
    expect([shown.status, shown.stderr]).toEqual([0, expect.stringContaining('nobody will tell the owner')]);
    await run(['account', 'disable', EMAIL]);
    const disabled = await recover();
    expect([disabled.status, disabled.stdout]).toEqual([1, '']);
    expect(disabled.stderr).toContain('npx gatewright account enable ada@example.org comes first');
    expect((await events()).sort()).toEqual(['account.recovery_started', 'account.recovery_stopped']);
  });
});

it('reset-mfa has a second factor set up again, unless the password is to be enough', { timeout: 90_000 }, async () => {
  const place = await withAda();
  const { id, json, run } = place;
  const enrol = (version: number, totp: string) =>
    withStores(place, ({ accounts }) => accounts.enrolTotp(id, version, aTotp({ id: totp }), BY_OPERATOR));
  await enrol(1, 'otp_1');
  const reset = ['account', 'reset-mfa', EMAIL, '--yes'];
  const without = { id, email: EMAIL, hasSecondFactor: false };
  expect(await json([...reset, '--allow-password-only'])).toEqual({ ...without, demandedLevel: null });
  await enrol(3, 'otp_2');
  expect(await json(reset)).toEqual({ ...without, demandedLevel: 'two-factor' });
  // What is demanded by now, this flag does not lower.
  const said = await run([...reset, '--allow-password-only']);
  expect(said.stdout).toBe(
    `${EMAIL} has no passkey and no second factor any more and is signed out everywhere. The next sign-in asks to set up what two-factor takes.\n`,
  );
});
