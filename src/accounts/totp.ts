import { generateSecret, generateURI, verify } from 'otplib';
import type { Clock } from '../lib/clock.ts';
import { Refusal } from '../lib/errors.ts';
import type { AccountStore } from './store.ts';

const PERIOD = 30; // RFC 6238 4.1, the step every authenticator app assumes
const DRIFT = PERIOD; // one step either side of now, RFC 6238 5.2

export type Totp = ReturnType<typeof createTotp>;

export function createTotp({ accounts, clock }: { accounts: AccountStore; clock: Clock }) {
  /** The step a code belongs to, or null where it belongs to none within the drift. */
  async function stepOf(secret: string, code: string): Promise<number | null> {
    const token = code.replaceAll(/\s/g, '');
    if (!/^\d{6}$/.test(token)) return null;
    const result = await verify({ secret, token, epoch: Math.floor(clock() / 1000), epochTolerance: DRIFT });
    return result.valid && 'timeStep' in result ? result.timeStep : null;
  }

  return {
    /** 160 random bits (RFC 4226 4 R6), base32. */
    newSecret: (): string => generateSecret(),
    /** What the QR code says; apps list it as issuer and address. */
    uri: (issuer: string, email: string, secret: string): string => generateURI({ issuer, label: email, secret }),
    stepOf,
    /**
     * Takes a code of one of the account's authenticators, once.
     * @throws {Refusal} `code_wrong`, or `code_replayed` where a right code was used before.
     */
    async verify(accountId: string, code: string): Promise<void> {
      for (const { id, secret } of await accounts.totpCredentials(accountId)) {
        const step = await stepOf(secret, code);
        if (step === null) continue;
        if (await accounts.claimTotpStep(id, step)) return;
        throw new Refusal('code_replayed', 422);
      }
      throw new Refusal('code_wrong', 422);
    },
  };
}
