import { normalizeEmail } from '../../accounts/account.ts';
import type { NewPasskey } from '../../accounts/passkey-store.ts';
import type { NewAccount, NewTotp } from '../../accounts/store.ts';
import type { By } from '../../lib/by.ts';
import { newId } from '../../lib/ids.ts';
import type { Sealer } from '../../lib/sealing.ts';
import type { AuditRow } from './audit-row.ts';
import type { Transaction } from './database.ts';

export const SEED = 'TotpCredential.sealedSecret';

interface Insert {
  tx: Transaction;
  auditRow: AuditRow;
}

export async function insertAccount({ tx, auditRow }: Insert, account: NewAccount, by: By, at: Date): Promise<void> {
  const { id, email, emailVerified, role, passwordHash, claims } = account;
  await tx.account.create({
    data: {
      ...{ id, email, emailVerified, role, passwordHash },
      emailNormalized: normalizeEmail(email),
      status: 'active',
      // A millisecond before it exists, so that its first session is not refused as too old.
      notBefore: new Date(at.getTime() - 1),
      claims: JSON.stringify(claims),
      factorsVersion: 1,
      createdAt: at,
      updatedAt: at,
    },
  });
  await tx.auditEvent.create({ data: auditRow({ event: 'account.created', accountId: id, role }, by, at) });
}

export async function insertTotp(
  { tx, auditRow, sealer }: Insert & { sealer: Sealer },
  accountId: string,
  totp: NewTotp,
  by: By,
  at: Date,
): Promise<void> {
  const { id, name, secret, confirmedStep, recoveryCodeHashes } = totp;
  const sealedSecret = sealer.seal(SEED, id, secret).toString('base64url');
  await tx.totpCredential.create({
    data: { id, accountId, name, sealedSecret, lastStep: confirmedStep, createdAt: at },
  });
  if (recoveryCodeHashes) await putRecoveryCodes(tx, accountId, recoveryCodeHashes, at);
  await tx.auditEvent.create({ data: auditRow({ event: 'totp.enrolled', accountId, credentialId: id }, by, at) });
}

/** With the last second factor go the recovery codes. False where the account has no such authenticator. */
export async function deleteTotp(tx: Transaction, accountId: string, id: string): Promise<boolean> {
  const { count } = await tx.totpCredential.deleteMany({ where: { id, accountId } });
  if (count > 0) await dropIdleCodes(tx, accountId);
  return count > 0;
}

/** As above. */
export async function deletePasskey(tx: Transaction, accountId: string, id: string): Promise<boolean> {
  const { count } = await tx.passkey.deleteMany({ where: { id, accountId } });
  if (count > 0) await dropIdleCodes(tx, accountId);
  return count > 0;
}

/** Recovery codes stand in for a second factor: without one they would be a factor that nobody asked for. */
export async function dropIdleCodes(tx: Transaction, accountId: string): Promise<void> {
  const where = { accountId };
  const left = (await tx.totpCredential.count({ where })) + (await tx.passkey.count({ where }));
  if (left === 0) await tx.recoveryCode.deleteMany({ where });
}

export async function insertPasskey(tx: Transaction, accountId: string, passkey: NewPasskey, at: Date): Promise<void> {
  const { recoveryCodeHashes, transports, ...row } = passkey;
  await tx.passkey.create({ data: { ...row, accountId, transports: JSON.stringify(transports), createdAt: at } });
  if (recoveryCodeHashes) await putRecoveryCodes(tx, accountId, recoveryCodeHashes, at);
}

/** A new set replaces the old one: nobody keeps two lists. */
export async function putRecoveryCodes(tx: Transaction, accountId: string, hashes: string[], at: Date): Promise<void> {
  await tx.recoveryCode.deleteMany({ where: { accountId } });
  await tx.recoveryCode.createMany({
    data: hashes.map((codeHash) => ({ id: newId('rcv'), accountId, codeHash, createdAt: at })),
  });
}

export function unsealSeed(sealer: Sealer, credentialId: string, sealedSecret: string): string {
  return sealer.unseal(SEED, credentialId, Buffer.from(sealedSecret, 'base64url'));
}

export const forgetBrowsers = (accountId: string) => (tx: Transaction) =>
  tx.knownBrowser.deleteMany({ where: { accountId } });

/** Factors were taken away: whoever knows the password alone gets no time to do without. */
export const lackingFactors = (at: Date) => ({ factorsVersion: { increment: 1 }, enrolmentDueAt: at });

/** How access to an account ends. */
export const endingOf = (id: string) => ({
  refuse: (tx: Transaction, before: Date) =>
    tx.account.updateMany({ where: { id, notBefore: { lt: before } }, data: { notBefore: before } }),
  job: (before: number) => ({ kind: 'end-account', accountId: id, before }) as const,
});

/** Changes nothing, but holds the row until the transaction ends. False where there is no such account, or not active. */
export async function holdAccount(tx: Transaction, id: string): Promise<boolean> {
  const where = { id, status: 'active' };
  return (await tx.account.updateMany({ where, data: { status: 'active' } })).count === 1;
}
