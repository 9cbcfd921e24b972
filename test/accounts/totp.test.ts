import { describe, expect, it } from 'vitest';
import { createTotp } from '../../src/accounts/totp.ts';
import { anAccount, aTotp, BY } from '../store/samples.ts';
import { testClock } from '../support/clock.ts';
import { openTestStores, racers } from '../support/stores.ts';

/** "12345678901234567890", the key of RFC 6238 Appendix B. */
const SECRET = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
const STEP = 37_037_036;
const CODE = '081804'; // of that step

const notNeeded = {} as Parameters<typeof createTotp>[0]['accounts'];
const stepAt = (seconds: number, code: string) =>
  createTotp({ accounts: notNeeded, clock: testClock(seconds * 1000) }).stepOf(SECRET, code);

describe('a time-based code', () => {
  for (const [time, eightDigits] of [
    [59, '94287082'],
    [1_111_111_109, '07081804'],
    [1_111_111_111, '14050471'],
    [1_234_567_890, '89005924'],
    [2_000_000_000, '69279037'],
    [20_000_000_000, '65353130'],
  ] as const) {
    it(`matches RFC 6238 Appendix B at ${time} s`, async () => {
      expect(await stepAt(time, eightDigits.slice(-6))).toBe(Math.floor(time / 30));
    });
  }

  for (const [when, seconds, expected] of [
    ['too early', (STEP - 1) * 30 - 1, null],
    ['one step early', (STEP - 1) * 30, STEP],
    ['at its first second', STEP * 30, STEP],
    ['at its last second', STEP * 30 + 29, STEP],
    ['one step late', (STEP + 1) * 30 + 29, STEP],
    ['too late', (STEP + 2) * 30, null],
  ] as const) {
    it(`${when} is ${expected === null ? 'refused' : 'taken'}`, async () => {
      expect(await stepAt(seconds, CODE)).toBe(expected);
    });
  }

  for (const [typed, expected] of [
    ['081 804', STEP],
    [' 081804 ', STEP],
    ['81804', null],
    ['0818040', null],
    ['', null],
    ['081805', null],
    ['٠٨١٨٠٤', null],
    ['0x1404', null],
    ['-81804', null],
  ] as const) {
    it(`typed as "${typed}" is ${expected === null ? 'refused' : 'taken'}`, async () => {
      expect(await stepAt(STEP * 30, typed)).toBe(expected);
    });
  }
});

describe('a sign-in with a code', () => {
  async function enrolled() {
    const clock = testClock(STEP * 30_000);
    const { accounts } = await openTestStores({ clock });
    await accounts.create(anAccount(), BY, aTotp({ secret: SECRET, confirmedStep: STEP - 10 }));
    return { totp: createTotp({ accounts, clock }), clock, accounts };
  }

  it('takes a code once', async () => {
    const { totp } = await enrolled();
    await totp.verify('acc_ada', CODE);
    await expect(totp.verify('acc_ada', CODE)).rejects.toMatchObject({ code: 'code_replayed', status: 422 });
  });

  it('takes it from one of many racers', async () => {
    const { totp } = await enrolled();
    const results = await racers(10, () =>
      totp.verify('acc_ada', CODE).then(
        () => 'taken',
        (err: { code: string }) => err.code,
      ),
    );
    expect(results.sort()).toEqual([...Array(9).fill('code_replayed'), 'taken']);
  });

  it('takes none from before the last one, although it is still of the time', async () => {
    const { totp } = await enrolled();
    await totp.verify('acc_ada', '050471'); // of the step after, RFC 6238 Appendix B at 1111111111 s
    await expect(totp.verify('acc_ada', CODE)).rejects.toMatchObject({ code: 'code_replayed' });
  });

  it('takes none that is wrong, or of an account without an authenticator', async () => {
    const { totp } = await enrolled();
    await expect(totp.verify('acc_ada', '000000')).rejects.toMatchObject({ code: 'code_wrong', status: 422 });
    await expect(totp.verify('acc_bob', CODE)).rejects.toMatchObject({ code: 'code_wrong', status: 422 });
  });
});

describe('a new secret', () => {
  const totp = createTotp({ accounts: notNeeded, clock: testClock() });

  it('has 160 bits, in base32, and is another one each time', () => {
    expect(totp.newSecret()).toMatch(/^[A-Z2-7]{32}$/);
    expect(totp.newSecret()).not.toBe(totp.newSecret());
  });

  it('is told to an app under the names of the site and the person', () => {
    const uri = new URL(totp.uri('Näh & Co', 'ada+test@example.org', SECRET));
    expect(uri.protocol + uri.host).toBe('otpauth:totp');
    expect(decodeURIComponent(uri.pathname)).toBe('/Näh & Co:ada+test@example.org');
    expect(uri.searchParams.get('secret')).toBe(SECRET);
    expect(uri.searchParams.get('issuer')).toBe('Näh & Co');
  });
});
