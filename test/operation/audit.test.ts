import { describe, expect, it, onTestFinished } from 'vitest';
import { verifyTrail } from '../../src/audit/verify.ts';
import type { Stores } from '../../src/store/open.ts';
import { newPlace } from '../support/databases.ts';
import { startProcessCluster } from '../support/process-cluster.ts';
import { enter, visit } from '../support/visit.ts';

const PEOPLE = 12;

const findings = async ({ auditTrail: trail, lastingKeys: { audit: key } }: Stores) =>
  (await verifyTrail({ trail, key }, [], () => {})).findings;
const unsealed = async ({ auditTrail }: Stores) => (await auditTrail.pending()).count;

describe('two programs on PostgreSQL', { timeout: 120_000 }, () => {
  it('keep one chain under sign-ins, each event in it once, also while one is killed that seals', async () => {
    const place = await newPlace('postgresql');
    onTestFinished(() => place.drop());
    await using site = await startProcessCluster(place.env, 2);
    const { stores } = site;
    const people = await Promise.all(Array.from({ length: PEOPLE }, () => visit(site)));
    await Promise.all(people.map((person) => enter(person)));
    await expect.poll(() => unsealed(stores), { timeout: 10_000 }).toBe(0);
    const entries = await stores.auditTrail.after(0, 1_000);
    for (const { account } of people) {
      const signIns = entries.filter(
        ({ event, accountId }) => event === 'sign_in.succeeded' && accountId === account.id,
      );
      expect(signIns).toHaveLength(1);
    }
    expect(new Set(entries.map(({ id }) => id)).size).toBe(entries.length);
    expect(entries.map(({ sequence }) => sequence)).toEqual(entries.map((_, index) => index + 1));
    expect(await findings(stores)).toEqual([]);

    // Whichever of the two seals just now: while many events wait, one is killed, started again, and then the other.
    for (const victim of [0, 1]) {
      const writes = Array.from({ length: 300 }, () =>
        stores.audit.write({ event: 'setup_link.made' }, { actor: 'cli', address: null, requestId: null }),
      );
      await Promise.all([...writes, site.kill(victim)]);
      await expect.poll(() => unsealed(stores), { timeout: 15_000 }).toBe(0);
      await site.start(victim);
    }
    expect(await findings(stores)).toEqual([]);
    const made = (await stores.auditTrail.after(0, 2_000)).filter(({ event }) => event === 'setup_link.made');
    expect(new Set(made.map(({ id }) => id)).size).toBe(made.length);
    expect(made.length).toBeGreaterThanOrEqual(600);
  });

  it('go on where one was frozen with the lock, or killed', async () => {
    const place = await newPlace('postgresql');
    onTestFinished(() => place.drop());
    await using site = await startProcessCluster(place.env, 2);
    site.freeze(0);
    for (let index = 0; index < 50; index += 1) {
      await site.stores.audit.write({ event: 'setup_link.made' }, { actor: 'cli', address: null, requestId: null });
    }
    await site.kill(0);
    await expect.poll(() => unsealed(site.stores), { timeout: 15_000 }).toBe(0);
    expect(await findings(site.stores)).toEqual([]);
  });
});
