import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { HOUR, type Seconds, toMilliseconds } from '../../src/lib/duration.ts';
import { stands } from '../../src/oidc/validity.ts';
import { openStores, type Stores } from '../../src/store/open.ts';
import { ISSUER, LONGEST, ownDatabase, testFolders } from '../support/stores.ts';
import { keys } from './artifacts.contract.ts';
import { anAccount, BY } from './samples.ts';

const realNow = Date.now;

/** An instance on a machine of its own, whose clock is off by so much. */
function machine(url: string, folders: ReturnType<typeof testFolders>, offBy: Seconds) {
  let off = offBy;
  /** With this process's clock, which all machines of the test share, off as long as it works. */
  async function during<T>(work: () => Promise<T>): Promise<T> {
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => realNow() + toMilliseconds(off));
    try {
      return await work();
    } finally {
      clock.mockRestore();
    }
  }
  let stores: Stores | undefined;
  onTestFinished(() => stores?.close());
  return {
    setClock(to: Seconds) {
      off = to;
    },
    run: <T>(work: (stores: Stores) => Promise<T>) =>
      during(async () => {
        const place = { folders, database: { url, pool: 4 }, redis: null };
        stores ??= await openStores({ issuer: ISSUER, ...place, longestLifetime: LONGEST, clock: systemClock });
        return work(stores);
      }),
  };
}

async function machines(...offBy: Seconds[]) {
  const [url, folders] = [await ownDatabase(), testFolders()];
  return offBy.map((off) => machine(url, folders, off)) as [ReturnType<typeof machine>, ReturnType<typeof machine>];
}

const signIn = ({ artifacts, clock }: Stores) =>
  artifacts.put('Session', 's', {}, keys({ uid: 'u', accountId: 'acc_ada' }), clock() + toMilliseconds(HOUR));

async function isSignedIn({ artifacts, registry }: Stores): Promise<boolean> {
  const session = await artifacts.get('Session', 's');
  return session !== null && stands(await registry.account('acc_ada'), session.bornAt);
}

/** Longer than two looks at a clock can be apart, and shorter than the skew that is tried. */
const aMoment = () =>
  vi.waitUntil(
    (
      (until) => () =>
        realNow() > until
    )(realNow() + 50),
    { interval: 5 },
  );

describe('instances whose clocks differ', () => {
  it.each([
    ['that is ahead does not survive a sign-out everywhere at another', 5, 0],
    ['at another does not survive a sign-out everywhere at one that is behind', 0, -5],
  ])('a session made at an instance %s', async (_, first, second) => {
    const [one, other] = await machines(first, second);
    await one.run(({ accounts }) => accounts.create(anAccount(), BY));
    await aMoment();
    await one.run(signIn);
    expect(await other.run(isSignedIn)).toBe(true);
    await aMoment();
    await other.run(({ accounts }) => accounts.signOut('acc_ada', BY));
    expect(await one.run(isSignedIn)).toBe(false);
    expect(await other.run(isSignedIn)).toBe(false);
    // It is not only refused: the job that was queued takes it away.
    await other.run(async ({ outbox, artifacts, clock }) => {
      for (const { job } of await outbox.take(1, clock() + 1_000)) {
        if (job.kind === 'end-account') await artifacts.endAccount(job.accountId, job.before);
      }
    });
    expect(await one.run(({ artifacts }) => artifacts.get('Session', 's'))).toBeNull();
  });

  it('let people in again who were signed out at one that is ahead', async () => {
    const [one, ahead] = await machines(0, 5);
    await ahead.run(({ accounts }) => accounts.create(anAccount(), BY));
    await ahead.run(({ accounts }) => accounts.signOut('acc_ada', BY));
    await aMoment();
    await one.run(signIn);
    expect(await one.run(isSignedIn)).toBe(true);
  });

  it('are not ready while they are further off than NTP ever leaves them, and are again when that is mended', async () => {
    const [one, far] = await machines(0, 60);
    expect(await one.run((stores) => stores.check())).toBe('ok');
    expect(await far.run((stores) => stores.check())).toBe('clock-differs');
    far.setClock(0);
    expect(await far.run((stores) => stores.check())).toBe('ok');
    // A clock that was set while it ran, which nobody asked it about: the next sweep notices.
    far.setClock(-60);
    await far.run(({ sweep, clock }) => sweep(clock()));
    await far.run(({ accounts }) => accounts.create(anAccount(), BY));
    const account = await one.run(({ accounts }) => accounts.find('acc_ada'));
    expect(Math.abs((account?.createdAt ?? 0) - realNow())).toBeLessThan(toMilliseconds(30));
  });

  it('delete nothing that has not expired', async () => {
    const [one, ahead] = await machines(0, 8);
    await one.run(({ artifacts, clock }) => artifacts.deny('jti', clock() + 4_000));
    expect(await ahead.run(({ sweep }) => sweep(systemClock()))).toBe(0);
    expect(await one.run(({ artifacts }) => artifacts.isDenied('jti'))).toBe(true);
  });
});
