import { describe, expect, it } from 'vitest';
import { createRecoveryCodes } from '../../src/accounts/recovery-codes.ts';
import type { AccountStore } from '../../src/accounts/store.ts';
import { anAccount, aTotp, BY } from '../store/samples.ts';
import { openTestStores } from '../support/stores.ts';

const key = Buffer.alloc(32, 1);

/** Recovery codes over a store that takes everything, and what it was asked for. */
function opened() {
  const asked: string[][] = [];
  const accounts = {
    spendRecoveryCode: async (_id: string, hashes: string[]) => asked.push(hashes) > 0,
    recoveryCodesLeft: async () => 9,
  } as unknown as AccountStore;
  return { codes: createRecoveryCodes({ accounts, key }), asked };
}

describe('a set of recovery codes', () => {
  it('has ten codes of 60 bits, in groups, without look-alikes', () => {
    const { codes } = opened().codes.issue('acc_ada');
    expect(new Set(codes).size).toBe(10);
    // 12 characters of 32 make 60 bits.
    for (const code of codes) expect(code).toMatch(/^([0-9a-hjkmnp-tv-z]{4}-){2}[0-9a-hjkmnp-tv-z]{4}$/);
  });

  it('uses the whole alphabet', () => {
    const { codes } = opened();
    const characters = Array.from({ length: 50 }, () => codes.issue('acc_ada').codes.join(''))
      .join('')
      .replaceAll('-', '');
    expect(new Set(characters).size).toBe(32);
  });

  it('is kept as keyed hashes, which differ by account and by installation', () => {
    const { codes, hashes } = opened().codes.issue('acc_ada');
    for (const hash of hashes) expect(hash).toMatch(/^[\w-]{43}$/);
    const elsewhere = createRecoveryCodes({ accounts: {} as AccountStore, key: Buffer.alloc(32, 2) });
    expect(elsewhere.issue('acc_ada').hashes).not.toEqual(hashes);
    expect(hashes.join()).not.toContain(codes[0]);
  });
});

describe('a recovery code', () => {
  const code = 'a0b1-c1d0-efgh';
  for (const typed of [
    'A0B1-C1D0-EFGH',
    'a0b1c1d0efgh',
    ' a0b1 c1d0 efgh ',
    'a0b1–c1d0—efgh', // what a phone makes of dashes
    'aob1-cid0-efgh',
    'aObI-cLdO-efgh',
    'a0bl-c1do-efgh',
  ]) {
    it(`may be typed as "${typed}"`, async () => {
      const { codes, asked } = opened();
      await codes.spend('acc_ada', code, BY);
      await codes.spend('acc_ada', typed, BY);
      expect(asked[1]).toEqual(asked[0]);
    });
  }

  it('of one account is not one of another', async () => {
    const { codes, asked } = opened();
    await codes.spend('acc_ada', code, BY);
    await codes.spend('acc_bob', code, BY);
    await codes.spend('acc_ada', 'a0b1-c1d0-efgj', BY);
    expect(new Set(asked.flat()).size).toBe(3);
  });

  it('is spent once, and tells how many are left', async () => {
    const stores = await openTestStores();
    const recovery = createRecoveryCodes({ accounts: stores.accounts, key });
    const { codes, hashes } = recovery.issue('acc_ada');
    await stores.accounts.create(anAccount(), BY, aTotp({ recoveryCodeHashes: hashes }));
    const [first = '', second = ''] = codes;

    expect(await recovery.spend('acc_ada', first, BY)).toBe(9);
    await expect(recovery.spend('acc_ada', first, BY)).rejects.toMatchObject({
      code: 'recovery_code_wrong',
      status: 422,
    });
    expect(await recovery.spend('acc_ada', second.toUpperCase(), BY)).toBe(8);
    await expect(recovery.spend('acc_ada', '', BY)).rejects.toMatchObject({ code: 'recovery_code_wrong' });
  });
});
