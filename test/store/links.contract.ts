import { describe, expect, it } from 'vitest';
import { DAY, HOUR } from '../../src/lib/duration.ts';
import { sha256 } from '../../src/lib/hash.ts';
import { REMEMBERED } from '../../src/links/link.ts';
import { racers, type TestStores } from '../support/stores.ts';
import { LETTER, withMail } from './mailed.ts';
import { anAccount, BY } from './samples.ts';

const RESET = { ...LETTER, purpose: 'password-reset' } as const;
const ADDRESS = 'ada@example.org';

/** Every LinkStore must pass this, with what AccountStore does by a link. */
export function linkStoreContract(name: string, open: () => Promise<TestStores>): void {
  async function opened() {
    const stores = await withMail(open);
    stores.later();
    await stores.links.send('acc_ada', RESET);
    const hash = await stores.hashTo(ADDRESS);
    await stores.deliver();
    return { ...stores, hash };
  }

  describe(`mailed links in ${name}`, () => {
    it('are hashes where they are kept, and sealed on their way', async () => {
      const { accounts, links, letters, rows, everything } = await withMail(open);
      await links.send('acc_ada', RESET);
      const [letter] = await letters();
      const token = letter?.token ?? '';
      expect(token).toMatch(/^gwl_[\w-]{43}$/);
      expect(await rows('MailedLink')).toMatchObject([{ tokenHash: sha256(token), accountId: 'acc_ada' }]);
      const kept = await everything();
      // That the search finds what is there.
      expect(kept).toContain(sha256(token));
      for (const form of [token, token.slice(4), Buffer.from(token).toString('base64url')]) {
        expect(kept).not.toContain(form);
      }
      expect(await links.open(sha256(token))).toEqual({
        ...{ purpose: 'password-reset', accountId: 'acc_ada', detail: {} },
        opensAt: null,
      });
      expect(await links.open(token)).toBeNull();
      expect(await accounts.resetPassword('acc_ada', token, 'new-hash', BY)).toBe(false);
    });

    it('are spent by one of many', async () => {
      const { accounts, hash, look, links, rows } = await opened();
      const won = await racers(10, (n) => accounts.resetPassword('acc_ada', hash, `hash-${n}`, BY));
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await look()).toMatchObject({ passwordHash: `hash-${won.indexOf(true)}`, factorsVersion: 2 });
      expect(await links.open(hash)).toBeNull();
      const events = (await rows('AuditEvent')).filter(({ event }) => event === 'password_reset.used');
      expect(events).toHaveLength(1);
    });

    it('set a password with the end of all that was, and keep the second factor', async () => {
      const { accounts, clock, hash, look, outbox, knownBrowsers, rows } = await opened();
      await knownBrowsers.add('browser', 'acc_ada', { provedAt: clock(), most: 10, by: BY });
      expect(await accounts.resetPassword('acc_ada', hash, 'new-hash', BY)).toBe(true);
      expect(await look()).toMatchObject({ passwordHash: 'new-hash', notBefore: clock(), emailVerified: true });
      expect(await rows('KnownBrowser')).toEqual([]);
      const jobs = (await outbox.take(10, clock() + 1)).map(({ job }) => job);
      expect(jobs).toMatchObject([
        { kind: 'mail', message: 'password-changed' },
        { kind: 'end-account', accountId: 'acc_ada', before: clock() },
      ]);
    });

    it.each([
      [
        'its owner',
        async ({ accounts, look }: Awaited<ReturnType<typeof opened>>) =>
          accounts.changePassword(await look(), 'own', BY),
      ],
      [
        'an operator',
        async ({ accounts }: Awaited<ReturnType<typeof opened>>) => accounts.setPassword('acc_ada', 'set', BY),
      ],
    ])('that were asked for before %s set a password open nothing', async (_who, set) => {
      const stores = await opened();
      expect(await set(stores)).toBeTruthy();
      expect(await stores.links.open(stores.hash)).toBeNull();
      expect(await stores.accounts.resetPassword('acc_ada', stores.hash, 'new-hash', BY)).toBe(false);
    });

    type Try = [string, (stores: Awaited<ReturnType<typeof opened>>) => Promise<boolean>];
    const nothing: Try[] = [
      ['of another account', async ({ accounts, hash }) => accounts.resetPassword('acc_eve', hash, 'new-hash', BY)],
      [
        'of another purpose',
        async ({ accounts, hash }) => {
          const other = [
            await accounts.verifyEmail('acc_ada', hash, BY),
            await accounts.changeEmail('acc_ada', hash, 'en', BY),
            await accounts.undoEmail('acc_ada', hash, 'en', BY),
          ];
          return other.includes(true);
        },
      ],
      ['that nobody made', async ({ accounts }) => accounts.resetPassword('acc_ada', sha256('gwl_x'), 'new-hash', BY)],
    ];
    for (const [what, attempt] of nothing) {
      it(`change nothing where they are one ${what}`, async () => {
        const stores = await opened();
        await stores.accounts.create(anAccount({ id: 'acc_eve' }), BY);
        const before = await stores.everything();
        expect(await attempt(stores)).toBe(false);
        expect(await stores.everything()).toBe(before);
        expect(await stores.links.open(stores.hash)).not.toBeNull();
      });
    }

    it('set no password where they are for something else', async () => {
      const { accounts, links, hashTo, everything } = await opened();
      await links.sendProof('acc_ada', LETTER);
      const before = await everything();
      expect(await accounts.resetPassword('acc_ada', await hashTo(ADDRESS), 'new-hash', BY)).toBe(false);
      expect(await everything()).toBe(before);
    });

    it('change nothing once they are spent, run out, or there is a newer one', async () => {
      const { accounts, hash, clock, everything, links, hashTo, deliver } = await opened();
      const refused = async (one: string) => {
        const before = await everything();
        expect(await links.open(one)).toBeNull();
        expect(await accounts.resetPassword('acc_ada', one, 'other-hash', BY)).toBe(false);
        expect(await everything()).toBe(before);
      };
      await links.send('acc_ada', RESET);
      const newer = await hashTo(ADDRESS);
      await deliver();
      await refused(hash);
      expect(await accounts.resetPassword('acc_ada', newer, 'new-hash', BY)).toBe(true);
      await refused(newer);
      // The notice of the new password has a link too, and may be of the same millisecond.
      await deliver();
      await links.send('acc_ada', RESET);
      const last = await hashTo(ADDRESS);
      clock.forward(HOUR);
      await refused(last);
    });

    it('change nothing where the change cannot be audited', async () => {
      const { accounts, hash, everything, refuseInserts, links } = await opened();
      await refuseInserts('AuditEvent');
      const before = await everything();
      await expect(accounts.resetPassword('acc_ada', hash, 'new-hash', BY)).rejects.toThrow();
      expect(await everything()).toBe(before);
      expect(await links.open(hash)).not.toBeNull();
    });

    it('sent by many at once leave one open, and a reset beside them is whole or nothing', async () => {
      const { accounts, hash, links, look, rows } = await opened();
      const results = await racers(8, (n) =>
        n === 3 ? accounts.resetPassword('acc_ada', hash, 'new-hash', BY) : links.send('acc_ada', RESET),
      );
      const open = (await rows('MailedLink')).filter(({ spentAt }) => spentAt === null);
      expect(open).toHaveLength(1);
      expect((await look()).passwordHash).toBe(results[3] ? 'new-hash' : 'hash-1');
    });

    it.each(['disable', 'delete'] as const)('race %s: whichever is second does nothing more', async (end) => {
      const { accounts, hash, rows } = await opened();
      const [done] = await Promise.all([
        accounts.resetPassword('acc_ada', hash, 'new-hash', BY),
        accounts[end]('acc_ada', BY),
      ]);
      const account = await accounts.find('acc_ada');
      if (end === 'delete') expect([account, await rows('MailedLink')]).toEqual([null, []]);
      else expect(account).toMatchObject({ status: 'disabled', passwordHash: done ? 'new-hash' : 'hash-1' });
    });

    it('go to nobody whose account is disabled or gone, and open nothing there', async () => {
      const { accounts, hash, links, everything } = await opened();
      await accounts.disable('acc_ada', BY);
      const disabled = await everything();
      expect(await links.send('acc_ada', RESET)).toBe(false);
      expect(await links.sendProof('acc_ada', LETTER)).toBe(false);
      expect(await accounts.resetPassword('acc_ada', hash, 'new-hash', BY)).toBe(false);
      expect(await everything()).toBe(disabled);
      await accounts.delete('acc_ada', BY);
      const gone = await everything();
      expect(await links.send('acc_ada', RESET)).toBe(false);
      expect(await links.open(hash)).toBeNull();
      expect(await accounts.resetPassword('acc_ada', hash, 'new-hash', BY)).toBe(false);
      expect(await everything()).toBe(gone);
    });

    it('are forgotten after their time', async () => {
      const { clock, rows, sweep } = await opened();
      clock.forward(HOUR + REMEMBERED);
      expect(await sweep(clock())).toBe(0);
      expect(await rows('MailedLink')).toHaveLength(1);
      clock.forward(1);
      expect(await sweep(clock() - 1000)).toBe(0);
      expect(await sweep(clock())).toBe(1);
      expect(await rows('MailedLink')).toEqual([]);
    });

    it('are made for many at once, and forgotten meanwhile, though each has old ones', async () => {
      const { accounts, links, clock, sweep, rows } = await opened();
      const ids = Array.from({ length: 8 }, (_, n) => `acc_${n}`);
      for (const id of ids) await accounts.create(anAccount({ id }), BY);
      for (let round = 0; round < 4; round += 1) {
        for (const id of ids) await links.send(id, RESET);
        clock.forward(REMEMBERED + DAY);
        // Of links that wait for each other in a circle, the database refuses one.
        await Promise.all([...ids.map((id) => links.send(id, RESET)), sweep(clock()), sweep(clock())]);
        expect(await rows('MailedLink')).toHaveLength(8);
      }
    });
  });

  describe(`links that were asked for in ${name}`, () => {
    const ASKED = { ...RESET, email: ADDRESS };

    it('wait sealed, and each opens as its own job alone', async () => {
      const { links, rows, everything } = await withMail(open);
      await links.ask(ASKED);
      await links.ask({ ...ASKED, email: 'planted@example.net' });
      expect(await everything()).not.toContain('planted@example.net');
      const [one, two] = (await rows('OutboxMessage')).map(({ id, sealedPayload }) => [
        String(id),
        String(sealedPayload),
      ]);
      const emails = [one, two].map((job) => links.asked(String(job?.[0]), String(job?.[1])).email);
      expect(emails.sort()).toEqual([ADDRESS, 'planted@example.net']);
      expect(() => links.asked(String(one?.[0]), String(two?.[1]))).toThrow();
    });

    it('are the same work for whoever it is, until they are looked up', async () => {
      const { links, rows } = await withMail(open);
      const shapeOf = async (email: string) => {
        const before = new Set((await rows('OutboxMessage')).map(({ id }) => id));
        await links.ask({ ...ASKED, email });
        const [row] = (await rows('OutboxMessage')).filter(({ id }) => !before.has(id));
        const { kind, payload, sealedPayload } = row ?? {};
        return { kind, payload, length: String(sealedPayload).length };
      };
      expect(await shapeOf('eve@example.org')).toEqual(await shapeOf(ADDRESS));
    });

    it('and are asked for again after a crash leave one that opens', async () => {
      const stores = await withMail(open);
      const { links, asked, lookUp, letters, rows } = stores;
      await links.ask(ASKED);
      const job = await asked();
      await lookUp(job);
      stores.clock.forward(1);
      await lookUp(job);
      expect(await rows('MailedLink')).toHaveLength(1);
      const tokens = (await letters()).map(({ token }) => String(token));
      const opened = await Promise.all(tokens.map((token) => links.open(sha256(token))));
      expect([tokens.length, opened.filter(Boolean).length]).toEqual([2, 1]);
    });

    it.each(['disable', 'delete'] as const)('are for nobody after %s', async (end) => {
      const { links, accounts, asked, lookUp, letters, deliver } = await withMail(open);
      await links.ask(ASKED);
      const job = await asked();
      await accounts[end]('acc_ada', BY);
      await deliver();
      await lookUp(job);
      expect(await letters()).toEqual([]);
    });
  });
}
