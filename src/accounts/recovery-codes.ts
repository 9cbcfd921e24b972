import { randomInt } from 'node:crypto';
import type { By } from '../lib/by.ts';
import { Refusal } from '../lib/errors.ts';
import { keyedHash } from '../lib/hash.ts';
import type { AccountStore } from './store.ts';

const COUNT = 10;
/** From here on the person is told how many are left. */
export const FEW_CODES_LEFT = 3;
/** Crockford's base32 without look-alikes; 12 of 32 make 60 bits. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const GROUPS = 3;
const GROUP = 4;

export type RecoveryCodes = ReturnType<typeof createRecoveryCodes>;

/** @param key the same for as long as there are codes: their hashes cannot be made anew */
export function createRecoveryCodes({ accounts, key }: { accounts: AccountStore; key: Buffer }) {
  const hash = (accountId: string, code: string) => keyedHash(key, `${accountId}/${normalize(code)}`);

  return {
    /** Ten codes to show once, and the hashes to keep. */
    issue(accountId: string): { codes: string[]; hashes: string[] } {
      const codes = Array.from({ length: COUNT }, newCode);
      return { codes, hashes: codes.map((code) => hash(accountId, code)) };
    },
    /** Spends a code. @returns how many are left @throws {Refusal} `recovery_code_wrong` */
    async spend(accountId: string, code: string, by: By): Promise<number> {
      const spent = await accounts.spendRecoveryCode(accountId, [hash(accountId, code)], by);
      if (!spent) throw new Refusal('recovery_code_wrong', 422);
      return accounts.recoveryCodesLeft(accountId);
    },
  };
}

function newCode(): string {
  const group = () => Array.from({ length: GROUP }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
  return Array.from({ length: GROUPS }, group).join('-');
}

/** People add spaces, leave out dashes, and read 1 as l or I and 0 as O. */
function normalize(code: string): string {
  return code
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '')
    .replaceAll(/[il]/g, '1')
    .replaceAll('o', '0')
    .slice(0, 64);
}
