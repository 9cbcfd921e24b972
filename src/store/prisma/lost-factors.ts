import type { Account } from '../../accounts/account.ts';
import { demandAfterLoss } from '../../accounts/recovery.ts';
import type { Transaction } from './database.ts';

type Demanded = Account['demandedLevel'];

/** Removes every second factor, and the recovery codes with them. */
export async function dropFactors(tx: Transaction, accountId: string): Promise<void> {
  const where = { accountId };
  await tx.totpCredential.deleteMany({ where });
  await tx.passkey.deleteMany({ where });
  await tx.recoveryCode.deleteMany({ where });
}

/**
 * Before the factors of an account go: demands as much again, without grace, so that its password alone, known to somebody
 * else perhaps, is not enough from then on.
 * @returns what is demanded
 */
export async function demandAnew(tx: Transaction, id: string, passkeys: boolean, at: Date): Promise<Demanded> {
  const { demandedLevel, _count: has } = await tx.account.findUniqueOrThrow({
    where: { id },
    select: { demandedLevel: true, _count: { select: { totpCredentials: true, passkeys: true } } },
  });
  const had = { hasTotp: has.totpCredentials > 0, hasPasskey: has.passkeys > 0 };
  const demanded = demandAfterLoss({ ...had, demandedLevel: demandedLevel as Demanded }, passkeys);
  await tx.account.update({ where: { id }, data: { demandedLevel: demanded, enrolmentDueAt: at } });
  return demanded;
}

/** The same, where an operator takes the last one away. Any second factor will do in its place. */
export async function demandAfterLast(tx: Transaction, accountId: string, at: Date): Promise<void> {
  const where = { accountId };
  const factors = (await tx.totpCredential.count({ where })) + (await tx.passkey.count({ where }));
  if (factors === 1) await demandAnew(tx, accountId, false, at);
}
