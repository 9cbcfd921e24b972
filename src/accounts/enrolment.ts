import QRCode from 'qrcode';
import { newId } from '../lib/ids.ts';
import type { RecoveryCodes } from './recovery-codes.ts';
import type { NewTotp } from './store.ts';
import type { Totp } from './totp.ts';

/** What a person needs to put a seed into an authenticator app, in three ways. */
export interface Enrolment {
  qrSvg: string;
  /** Base32 in groups of four, to type. */
  key: string;
  otpauthUri: string;
}

export async function describeEnrolment(
  totp: Totp,
  issuerName: string,
  email: string,
  secret: string,
): Promise<Enrolment> {
  const otpauthUri = totp.uri(issuerName, email, secret);
  const qrSvg = await QRCode.toString(otpauthUri, { type: 'svg', margin: 0, errorCorrectionLevel: 'M' });
  return { qrSvg, otpauthUri, key: secret.replaceAll(/(.{4})(?=.)/g, '$1 ') };
}

/** A seed that was confirmed by a code of `confirmedStep`, with the recovery codes that go with it, to show once. */
export function confirmedEnrolment(
  recoveryCodes: RecoveryCodes,
  accountId: string,
  { secret, confirmedStep }: { secret: string; confirmedStep: number },
): { totp: NewTotp; codes: string[] } {
  const { codes, hashes } = recoveryCodes.issue(accountId);
  const totp = { id: newId('otp'), name: 'Authenticator app', secret, confirmedStep, recoveryCodeHashes: hashes };
  return { totp, codes };
}
