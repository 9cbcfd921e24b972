import { describe, expect, it } from 'vitest';
import { HOUR, toMilliseconds } from '../../src/lib/duration.ts';
import { sha256 } from '../../src/lib/hash.ts';
import { makeSetupLink } from '../../src/setup/setup-link.ts';
import { ISSUER, racers, type TestStores } from '../support/stores.ts';
import { anAccount, aTotp, BY } from './samples.ts';

const administrator = (index = 0) =>
  anAccount({ id: `acc_admin${index}`, email: `admin${index}@example.org`, role: 'administrator' });
const totp = (index = 0) => aTotp({ id: `otp_${index}`, recoveryCodeHashes: [`code-${index}`] });

/** Every SetupLinkStore must pass this. */
export function setupLinkStoreContract(name: string, open: () => Promise<TestStores>): void {
  async function opened() {
    const stores = await open();
    await stores.setupLinks.replace('link', stores.clock() + toMilliseconds(HOUR), BY);
    return stores;
  }

  describe(`set-up links in ${name}`, () => {
    it('are made with a secret of which only the hash is kept', async () => {
      const { setupLinks, clock, rows } = await open();
      const link = await makeSetupLink({ links: setupLinks, issuer: ISSUER, clock }, BY);
      const token = /^https:\/\/id\.example\.org\/setup\/(gwl_[\w-]{43})$/.exec(link)?.[1] ?? '';
      expect(await setupLinks.isOpen(sha256(token))).toBe(true);
      expect(JSON.stringify([await rows('SetupLink'), await rows('AuditEvent')])).not.toContain(token.slice(4));
      clock.forward(HOUR);
      expect(await setupLinks.isOpen(sha256(token))).toBe(false);
    });

    it('create the administrator with a second factor and are spent by that', async () => {
      const { setupLinks, accounts, rows } = await opened();
      expect(await setupLinks.spend('link', administrator(), totp(), BY)).toBe(true);
      expect(await accounts.find('acc_admin0')).toMatchObject({ role: 'administrator', hasTotp: true });
      expect(await accounts.recoveryCodesLeft('acc_admin0')).toBe(1);
      expect(await setupLinks.isOpen('link')).toBe(false);
      expect((await rows('AuditEvent')).map((row) => row['event']).sort()).toEqual([
        'account.created',
        'setup_link.made',
        'setup_link.spent',
        'totp.enrolled',
      ]);
    });

    it('stay spent when that administrator is deleted', async () => {
      const { setupLinks, accounts } = await opened();
      await setupLinks.spend('link', administrator(), totp(), BY);
      await accounts.delete('acc_admin0', BY);
      expect(await setupLinks.isOpen('link')).toBe(false);
      expect(await setupLinks.spend('link', administrator(1), totp(1), BY)).toBe(false);
    });

    it('are spent by one of many racers', async () => {
      const { setupLinks, accounts } = await opened();
      const won = await racers(10, (index) => setupLinks.spend('link', administrator(index), totp(index), BY));
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await accounts.list()).toHaveLength(1);
    });

    it('end when another is made', async () => {
      const { setupLinks, accounts, clock } = await opened();
      await setupLinks.replace('newer', clock() + 1000, BY);
      expect(await setupLinks.isOpen('link')).toBe(false);
      expect(await setupLinks.spend('link', administrator(), totp(), BY)).toBe(false);
      expect(await setupLinks.isOpen('newer')).toBe(true);
      expect(await accounts.list()).toEqual([]);
    });

    it('made by many at once leave one open', async () => {
      const { setupLinks, clock, rows } = await opened();
      await racers(10, (index) => setupLinks.replace(`link-${index}`, clock() + 1000, BY));
      expect(await rows('SetupLink')).toHaveLength(1);
    });

    it('end with their time', async () => {
      const { setupLinks, clock, everything } = await opened();
      clock.forward(HOUR);
      const before = await everything();
      expect(await setupLinks.isOpen('link')).toBe(false);
      expect(await setupLinks.spend('link', administrator(), totp(), BY)).toBe(false);
      expect(await everything()).toBe(before);
    });

    it('are closed while there is an administrator', async () => {
      const { setupLinks, accounts, everything } = await opened();
      await accounts.create(administrator(), BY);
      const before = await everything();
      expect(await setupLinks.isOpen('link')).toBe(false);
      expect(await setupLinks.spend('link', administrator(1), totp(1), BY)).toBe(false);
      expect(await everything()).toBe(before);
    });

    it('stay open where the address is taken', async () => {
      const { setupLinks, accounts, everything } = await opened();
      await accounts.create(anAccount({ email: 'ADMIN0@example.org' }), BY);
      const before = await everything();
      await expect(setupLinks.spend('link', administrator(), totp(), BY)).rejects.toMatchObject({ name: 'Conflict' });
      expect(await everything()).toBe(before);
      expect(await setupLinks.isOpen('link')).toBe(true);
    });

    it('stay open where not all of the account can be written', async () => {
      const { setupLinks, everything, refuseInserts } = await opened();
      const before = await everything();
      await refuseInserts('RecoveryCode');
      await expect(setupLinks.spend('link', administrator(), totp(), BY)).rejects.toThrow();
      expect(await everything()).toBe(before);
    });
  });
}
