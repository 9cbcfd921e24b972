import QRCode from 'qrcode';
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
