import { describe, expect, it } from 'vitest';
import { type SignedHead, signed } from '../../src/audit/chain.ts';
import { pruneTrail } from '../../src/audit/prune.ts';
import { startAuditPruner } from '../../src/audit/pruner.ts';
import { type KnownHead, verifyTrail } from '../../src/audit/verify.ts';
import { BY_OPERATOR, BY_SYSTEM } from '../../src/lib/by.ts';
import { DAY, toMilliseconds } from '../../src/lib/duration.ts';
import { createLog } from '../../src/lib/log.ts';
import { racers, type TestStores } from '../support/stores.ts';
import { anAccount, BY } from './samples.ts';

const WHO = { ...BY, browser: 'Firefox on Linux' };

async function verify({ auditTrail: trail, lastingKeys: { audit: key } }: TestStores, heads: KnownHead[] = []) {
  return (await verifyTrail({ trail, key }, heads, () => {})).findings;
}

/** So many sealed entries, a second apart, each by a visitor. @returns the head after them */
async function sealed(stores: TestStores, count = 6): Promise<SignedHead> {
  for (let index = 0; index < count; index += 1) {
    await stores.audit.write({ event: 'account.unlocked', accountId: `acc_${index}` }, WHO);
    stores.clock.forward(1);
  }
  const outcome = await stores.auditTrail.seal(1_000);
  if (!outcome) throw new Error('nothing was sealed');
  return outcome.head;
}

const at = (sequence: number) => `WHERE "sequence" = ${sequence}`;

/** What somebody does who can write to the database, and has no keys. */
const TAMPERING: [string, string[], string[]][] = [
  [
    'a changed account',
    [`UPDATE "AuditEvent" SET "accountId" = 'acc_eve' ${at(3)}`],
    ['entry 3 (account.unlocked) was changed or put in'],
  ],
  [
    'a changed actor',
    [`UPDATE "AuditEvent" SET "actor" = 'cli' ${at(3)}`],
    ['entry 3 (account.unlocked) was changed or put in'],
  ],
  [
    'a changed outcome',
    [`UPDATE "AuditEvent" SET "outcome" = 'failed' ${at(3)}`],
    ['entry 3 (account.unlocked) was changed or put in'],
  ],
  [
    'a changed detail',
    [`UPDATE "AuditEvent" SET "detail" = '{"a":1}' ${at(3)}`],
    ['entry 3 (account.unlocked) was changed or put in'],
  ],
  [
    'a changed kind of event',
    [`UPDATE "AuditEvent" SET "event" = 'setup_link.made' ${at(3)}`],
    ['entry 3 (setup_link.made) was changed or put in'],
  ],
  [
    'another person',
    [`UPDATE "AuditEvent" SET "person" = NULL ${at(3)}`],
    ['entry 3 (account.unlocked) was changed or put in'],
  ],
  ['a deleted entry', [`DELETE FROM "AuditEvent" ${at(3)}`], ['entry 3 is missing']],
  ['several deleted entries', [`DELETE FROM "AuditEvent" WHERE "sequence" IN (2, 3)`], ['entries 2 to 3 are missing']],
  ['the first entries deleted', [`DELETE FROM "AuditEvent" WHERE "sequence" < 3`], ['entries 1 to 2 are missing']],
  [
    'a gap that was closed',
    [
      `DELETE FROM "AuditEvent" ${at(3)}`,
      ...[4, 5, 6].map((n) => `UPDATE "AuditEvent" SET "sequence" = ${n - 1} ${at(n)}`),
    ],
    [3, 4, 5].map((n) => `entry ${n} (account.unlocked) was changed or put in`),
  ],
  [
    'two entries in each other’s place',
    [
      `UPDATE "AuditEvent" SET "sequence" = 99 ${at(3)}`,
      `UPDATE "AuditEvent" SET "sequence" = 3 ${at(4)}`,
      `UPDATE "AuditEvent" SET "sequence" = 4 ${at(99)}`,
    ],
    [
      ...[3, 4].map((n) => `entry ${n} (account.unlocked) was changed or put in`),
      'entry 5 (account.unlocked) does not follow the entry before it',
    ],
  ],
  [
    'an entry that was put in',
    [
      `INSERT INTO "AuditEvent" ("id", "at", "event", "outcome", "actor", "detail", "sequence", "previous", "mac")
       SELECT 'evt_x', "at", 'setup_link.made', 'succeeded', 'cli', '{}', 7, "mac", "mac" FROM "AuditEvent" ${at(6)}`,
    ],
    ['entry 7 (setup_link.made) was changed or put in'],
  ],
  [
    'an entry that was put in before all others',
    [
      `INSERT INTO "AuditEvent" ("id", "at", "event", "outcome", "actor", "detail", "sequence", "previous", "mac")
       SELECT 'evt_x', "at", 'setup_link.made', 'succeeded', 'cli', '{}', 0, '', "mac" FROM "AuditEvent" ${at(1)}`,
    ],
    ['entry 0 (setup_link.made) was put in before the beginning of the trail'],
  ],
  [
    'swapped personal fields',
    [`UPDATE "AuditEvent" SET "sealedPersonal" = (SELECT "sealedPersonal" FROM "AuditEvent" ${at(2)}) ${at(3)}`],
    ['the personal fields of entry 3 were changed'],
  ],
  [
    'personal fields swapped with their hash',
    [
      `UPDATE "AuditEvent" SET "sealedPersonal" = (SELECT "sealedPersonal" FROM "AuditEvent" ${at(2)}),
         "personalHash" = (SELECT "personalHash" FROM "AuditEvent" ${at(2)}) ${at(3)}`,
    ],
    ['entry 3 (account.unlocked) was changed or put in', 'the personal fields of entry 3 were changed'],
  ],
  [
    'personal fields of nobody who was deleted, gone',
    [`UPDATE "AuditEvent" SET "sealedPersonal" = NULL ${at(3)}`],
    ['the personal fields of entry 3 are gone, although nobody was deleted'],
  ],
  [
    'an address written in the clear',
    [`UPDATE "AuditEvent" SET "sealedPersonal" = NULL, "personalHash" = NULL, "address" = '192.0.2.1' ${at(3)}`],
    ['entry 3 (account.unlocked) was changed or put in', 'the personal fields of entry 3 were changed'],
  ],
];

/** Every AuditTrail must pass this. */
export function auditTrailContract(name: string, openEmpty: () => Promise<TestStores>): void {
  /** With somebody who is there, and nothing that was recorded. */
  async function open(): Promise<TestStores> {
    const stores = await openEmpty();
    await stores.accounts.create(anAccount({ id: WHO.actor }), BY_OPERATOR);
    await stores.execute('DELETE FROM "AuditEvent"');
    return stores;
  }

  describe(`the audit trail in ${name}`, () => {
    it('gives events their numbers in the order of their times, and keeps who was there sealed', async () => {
      const stores = await open();
      const head = await sealed(stores, 3);
      const entries = await stores.auditTrail.after(0, 10);
      expect(entries.map(({ sequence, accountId }) => [sequence, accountId])).toEqual([
        [1, 'acc_0'],
        [2, 'acc_1'],
        [3, 'acc_2'],
      ]);
      expect(entries[0]).toMatchObject({
        ...{ personal: { address: BY.address, browser: 'Firefox on Linux' }, personalState: 'intact' },
        ...{ actor: BY.actor, outcome: 'succeeded', previous: '' },
      });
      expect(head).toMatchObject({ sequence: 3, hash: entries[2]?.mac, at: stores.clock() });
      expect(await stores.everything()).not.toContain('Firefox');
      expect(await stores.everything()).not.toContain(BY.address);
      expect(await stores.auditTrail.seal(10)).toBeNull();
      expect(await verify(stores, [head])).toEqual([]);
    });

    it('takes no more than it is told to, and says what waits', async () => {
      const stores = await open();
      const begin = stores.clock();
      for (let index = 0; index < 5; index += 1) {
        await stores.audit.write({ event: 'setup_link.made' }, BY_OPERATOR);
        stores.clock.forward(1);
      }
      expect((await stores.auditTrail.seal(2))?.count).toBe(2);
      expect(await stores.auditTrail.pending()).toEqual({ count: 3, oldest: begin + 2_000 });
      expect((await stores.auditTrail.seal(10))?.head.sequence).toBe(5);
      expect(await stores.auditTrail.pending()).toEqual({ count: 0, oldest: null });
      expect(await verify(stores)).toEqual([]);
    });

    it('is one chain with each event once, however many seal and write at once', async () => {
      const stores = await open();
      const written = racers(40, (index) =>
        stores.audit.write({ event: 'account.unlocked', accountId: `acc_${index}` }, WHO),
      );
      await Promise.all([written, ...(await racers(8, () => stores.auditTrail.seal(3)))]);
      while (await stores.auditTrail.seal(7));
      const entries = await stores.auditTrail.after(0, 100);
      expect(entries.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
      expect(new Set(entries.map(({ accountId }) => accountId)).size).toBe(40);
      expect(await verify(stores)).toEqual([]);
    });

    it.each(TAMPERING)('shows %s', async (_what, statements, findings) => {
      const stores = await open();
      const head = await sealed(stores);
      for (const sql of statements) await stores.execute(sql);
      const found = await verify(stores, [head]);
      expect(found.slice(0, findings.length)).toEqual(findings);
      expect(await verify(stores)).toEqual(findings);
    });

    it('shows by a head that its end is missing, also after others took the numbers', async () => {
      const stores = await open();
      const head = await sealed(stores);
      await stores.execute('DELETE FROM "AuditEvent" WHERE "sequence" > 4');
      expect(await verify(stores)).toEqual([]);
      const cutOff = 'the trail ends with entry 4, but reached at least entry 6: its end is missing';
      expect(await verify(stores, [head])).toEqual([cutOff]);
      expect(await verify(stores, [{ sequence: 6, hash: head.hash, at: 0, mac: null }])).toEqual([cutOff]);
      await sealed(stores, 4);
      expect(await verify(stores)).toEqual([]);
      expect(await verify(stores, [head])).toEqual([
        'entry 6 is not the one that the head of the same number tells of',
      ]);
    });

    it('believes no head that was not signed here', async () => {
      const stores = await open();
      const head = await sealed(stores);
      const refused = ['the head 6 that it is compared with was not signed here, or was changed'];
      expect(await verify(stores, [{ ...head, at: head.at + 1 }])).toEqual(refused);
      expect(await verify(stores, [signed(Buffer.alloc(32), 'head', head)])).toEqual(refused);
      expect(await verify(stores, [signed(stores.lastingKeys.audit, 'anchor', head)])).toEqual(refused);
    });

    it('is verified with no other key', async () => {
      const stores = await open();
      await sealed(stores, 2);
      const { findings } = await verifyTrail({ trail: stores.auditTrail, key: Buffer.alloc(32) }, [], () => {});
      expect(findings).toHaveLength(2);
    });

    it('forgets a person who is deleted, and still verifies', async () => {
      const stores = await open();
      await stores.accounts.create(anAccount(), BY_OPERATOR);
      stores.clock.forward(1);
      const ada = { actor: 'acc_ada', address: '192.0.2.33', requestId: 'req_2', browser: 'Safari on iOS' };
      const visitor = { ...ada, actor: 'visitor' };
      await stores.audit.write({ event: 'consent.denied', accountId: 'acc_ada', clientId: 'web' }, ada);
      stores.clock.forward(1);
      await stores.audit.write(
        { event: 'sign_in.failed', accountId: 'acc_ada', clientId: 'web', factor: 'totp' },
        visitor,
      );
      stores.clock.forward(1);
      await stores.audit.write(
        { event: 'sign_in.failed', accountId: null, clientId: 'web', factor: 'password' },
        visitor,
      );
      stores.clock.forward(1);
      await stores.auditTrail.seal(10);
      await stores.accounts.delete('acc_ada', WHO);
      expect((await stores.auditTrail.after(1, 2)).map(({ personalState }) => personalState)).toEqual([
        'erased',
        'erased',
      ]);
      await stores.auditTrail.seal(10);
      // What was under way when she was deleted.
      await stores.audit.write(
        { event: 'sign_in.failed', accountId: 'acc_ada', clientId: 'web', factor: 'totp' },
        visitor,
      );
      stores.clock.forward(1);
      const head = (await stores.auditTrail.seal(10))?.head as SignedHead;

      const entries = await stores.auditTrail.after(0, 10);
      expect(entries.map(({ event, personalState }) => [event, personalState])).toEqual([
        ['account.created', 'none'],
        ['consent.denied', 'erased'],
        ['sign_in.failed', 'erased'],
        ['sign_in.failed', 'intact'],
        ['account.deleted', 'intact'],
        ['sign_in.failed', 'erased'],
      ]);
      expect(entries[1]).toMatchObject({ actor: 'acc_ada', clientId: 'web', requestId: 'req_2', outcome: 'refused' });
      expect(await verify(stores, [head])).toEqual([]);
    });

    it('erases again what was sealed between a deletion and its end', async () => {
      const stores = await open();
      await stores.accounts.create(anAccount(), BY_OPERATOR);
      stores.clock.forward(1);
      await stores.audit.write(
        { event: 'consent.denied', accountId: 'acc_ada', clientId: 'web' },
        { ...WHO, actor: 'acc_ada' },
      );
      stores.clock.forward(1);
      await stores.auditTrail.seal(10);
      const [before] = (await stores.rows('AuditEvent')).filter(({ event }) => event === 'consent.denied');
      await stores.accounts.delete('acc_ada', BY_OPERATOR);
      await stores.execute(
        `UPDATE "AuditEvent" SET "sealedPersonal" = '${before?.['sealedPersonal']}' WHERE "event" = 'consent.denied'`,
      );
      await stores.auditTrail.seal(10);
      expect((await stores.auditTrail.after(1, 1))[0]?.personalState).toBe('erased');
    });

    it('seals the address of events from before addresses were sealed', async () => {
      const stores = await open();
      await stores.audit.write({ event: 'account.unlocked', accountId: 'acc_ada' }, BY_OPERATOR);
      await stores.execute(`UPDATE "AuditEvent" SET "address" = '192.0.2.44'`);
      expect((await stores.auditTrail.latest(1))[0]?.personal).toEqual({ address: '192.0.2.44', browser: null });
      await stores.auditTrail.seal(10);
      expect(await stores.everything()).not.toContain('192.0.2.44');
      expect((await stores.auditTrail.after(0, 1))[0]).toMatchObject({
        personal: { address: '192.0.2.44' },
        personalState: 'intact',
      });
      expect(await verify(stores)).toEqual([]);
    });

    it('is cut at its beginning, and what remains verifies, with older heads too', async () => {
      const stores = await open();
      const old = await sealed(stores, 3);
      stores.clock.forward(400 * DAY);
      const kept = await sealed(stores, 3);
      const { auditTrail: trail, lastingKeys } = stores;
      const prune = () =>
        pruneTrail({ trail, key: lastingKeys.audit }, stores.clock() - toMilliseconds(DAY), BY_SYSTEM);
      expect(await prune()).toBe(3);
      expect(await prune()).toBe(0);
      const head = (await trail.seal(10))?.head as SignedHead;
      expect((await trail.after(0, 10)).map(({ sequence, event, detail }) => [sequence, event, detail]).at(-1)).toEqual(
        [
          ...[7, 'audit.pruned'],
          JSON.stringify({ through: 3, before: new Date(stores.clock() - toMilliseconds(DAY)).toISOString() }),
        ],
      );
      expect(await verify(stores, [old, kept, head])).toEqual([]);
      await stores.execute('DELETE FROM "AuditEvent" WHERE "sequence" = 4');
      expect(await verify(stores)).toEqual(['entry 4 is missing']);
    });

    it('says how many heads it could be compared with', async () => {
      const stores = await open();
      const { auditTrail: trail, lastingKeys } = stores;
      const heads = [await sealed(stores, 1), await sealed(stores, 1)];
      await pruneTrail({ trail, key: lastingKeys.audit }, stores.clock(), BY_SYSTEM);
      const { findings, compared } = await verifyTrail({ trail, key: lastingKeys.audit }, heads, () => {});
      expect([findings, compared]).toEqual([[], 1]);
    });

    it('shows what was put in where its beginning was cut off', async () => {
      const stores = await open();
      await sealed(stores, 3);
      const { auditTrail: trail, lastingKeys } = stores;
      const [first] = await stores.rows('AuditEvent');
      await pruneTrail({ trail, key: lastingKeys.audit }, stores.clock(), BY_SYSTEM);
      await stores.execute(
        `INSERT INTO "AuditEvent" ("id", "at", "event", "outcome", "actor", "detail", "sequence", "previous", "mac")
         SELECT 'evt_x', "at", 'setup_link.made', 'succeeded', 'cli', '{}', 2, '', '${first?.['mac']}' FROM "AuditEvent"`,
      );
      expect(await verify(stores)).toEqual(['entry 2 (setup_link.made) was put in before the beginning of the trail']);
    });

    it('shows by a head that all of it was sealed anew', async () => {
      const stores = await open();
      const head = await sealed(stores);
      await stores.execute(
        `UPDATE "AuditEvent" SET "actor" = 'cli', "sequence" = NULL, "previous" = NULL, "mac" = NULL`,
      );
      await stores.auditTrail.seal(10);
      expect(await verify(stores)).toEqual([]);
      expect(await verify(stores, [head])).toEqual([
        'entry 6 is not the one that the head of the same number tells of',
      ]);
    });

    it('is cut by a server where the operator set an age, and not where none is set', async () => {
      const stores = await open();
      await sealed(stores, 3);
      stores.clock.forward(10 * DAY);
      await sealed(stores, 2);
      const { auditTrail: trail, lastingKeys, clock } = stores;
      for (const [retention, left] of [
        [null, 5],
        [9 * DAY, 2],
      ] as const) {
        const pruner = startAuditPruner({ trail, key: lastingKeys.audit, retention, clock, log: createLog('silent') });
        await pruner.stop();
        expect(await trail.length()).toBe(left);
      }
      expect(await verify(stores)).toEqual([]);
    });

    it('goes on from its anchor where nothing else is left, and shows that the anchor was changed or taken away', async () => {
      const stores = await open();
      await sealed(stores, 3);
      const { auditTrail: trail, lastingKeys } = stores;
      expect(await pruneTrail({ trail, key: lastingKeys.audit }, stores.clock(), BY_SYSTEM)).toBe(3);
      stores.clock.forward(1);
      await sealed(stores, 2);
      expect(await verify(stores)).toEqual([]);
      const [anchor] = await stores.rows('AuditAnchor');
      await stores.execute(`UPDATE "AuditAnchor" SET "sequence" = 4`);
      expect((await verify(stores))[0]).toBe('the anchor that stands for the entries up to 4 was changed');
      await stores.execute(`UPDATE "AuditAnchor" SET "sequence" = 3, "hash" = '${'A'.repeat(43)}'`);
      expect(await verify(stores)).toEqual([
        'the anchor that stands for the entries up to 3 was changed',
        'entry 4 (audit.pruned) does not follow the entry before it',
      ]);
      await stores.execute(`UPDATE "AuditAnchor" SET "hash" = '${anchor?.['hash']}'`);
      expect(await verify(stores)).toEqual([]);
      await stores.execute('DELETE FROM "AuditAnchor"');
      expect(await verify(stores)).toEqual(['entries 1 to 3 are missing']);
    });

    it('is not cut where that would hide a change', async () => {
      const stores = await open();
      await sealed(stores, 3);
      await stores.execute(`UPDATE "AuditEvent" SET "actor" = 'cli' ${at(2)}`);
      const { auditTrail: trail, lastingKeys } = stores;
      const prune = (force: boolean) =>
        pruneTrail({ trail, key: lastingKeys.audit }, stores.clock(), BY_SYSTEM, { force });
      await expect(prune(false)).rejects.toThrow('does not verify');
      expect(await trail.length()).toBe(3);
      expect(await prune(true)).toBe(3);
    });

    it('is filtered by who, where, what and when, the latest first', async () => {
      const stores = await open();
      const { audit, auditTrail: trail, clock } = stores;
      await audit.write(
        { event: 'consent.denied', accountId: 'acc_ada', clientId: 'web' },
        { ...WHO, actor: 'acc_ada' },
      );
      clock.forward(10);
      const between = clock() - 5_000;
      await audit.write({ event: 'account.unlocked', accountId: 'acc_bob' }, { ...WHO, actor: 'acc_ada' });
      await audit.write({ event: 'client.updated', clientId: 'other' }, BY_OPERATOR);
      const names = async (filter: Parameters<typeof trail.latest>[1]) =>
        (await trail.latest(10, filter)).map(({ event }) => event);
      expect(await names({ accountId: 'acc_ada' })).toEqual(['account.unlocked', 'consent.denied']);
      expect(await names({ accountId: 'acc_bob' })).toEqual(['account.unlocked']);
      expect(await names({ clientId: 'other' })).toEqual(['client.updated']);
      expect(await names({ event: 'consent.denied' })).toEqual(['consent.denied']);
      expect(await names({ until: between })).toEqual(['consent.denied']);
      expect((await names({ since: between })).sort()).toEqual(['account.unlocked', 'client.updated']);
      await trail.seal(10);
      expect((await trail.after(1, 10, { accountId: 'acc_ada' })).map(({ event }) => event)).toEqual([
        'account.unlocked',
      ]);
    });
  });
}
