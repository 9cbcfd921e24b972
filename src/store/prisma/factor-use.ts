import type { AccountStore } from '../../accounts/store.ts';
import { newsOf } from './account-news.ts';
import { holdAccount, insertTotp, unsealSeed } from './account-rows.ts';
import type { SealedChangeDeps } from './change.ts';
import { createNotice } from './notice.ts';
import { jobRow } from './outbox.ts';

type FactorUse = Pick<
  AccountStore,
  'totpCredentials' | 'claimTotpStep' | 'enrolTotp' | 'spendRecoveryCode' | 'recoveryCodesLeft'
>;

/** What a sign-in does with second factors. */
export function prismaFactorUse({ prisma, sealer, clock, auditRow }: SealedChangeDeps): FactorUse {
  const now = () => new Date(clock());
  const notice = createNotice(sealer);

  return {
    async totpCredentials(accountId) {
      const rows = await prisma.totpCredential.findMany({ where: { accountId } });
      return rows.map(({ id, sealedSecret, lastStep }) => ({
        ...{ id, accountId, lastStep },
        secret: unsealSeed(sealer, id, sealedSecret),
      }));
    },
    async claimTotpStep(id, step) {
      const where = { id, lastStep: { lt: step } };
      return (await prisma.totpCredential.updateMany({ where, data: { lastStep: step } })).count === 1;
    },
    async enrolTotp(accountId, factorsVersion, totp, by) {
      const at = now();
      return prisma.$transaction(async (tx) => {
        const { count } = await tx.account.updateMany({
          where: { id: accountId, factorsVersion, status: 'active' },
          data: { factorsVersion: { increment: 1 }, updatedAt: at },
        });
        if (count === 0) return false;
        await insertTotp({ tx, auditRow, sealer }, accountId, totp, by, at);
        const codesKept = totp.recoveryCodeHashes === null;
        const enrolled = { event: 'totp.enrolled', accountId, credentialId: totp.id } as const;
        const news = await newsOf(tx, enrolled, { by, at, ends: false });
        if (news) await tx.outboxMessage.create({ data: jobRow(news, at) });
        await notice(accountId, { message: 'totp-added', ...(codesKept && { codesKept }) })(tx, at);
        return true;
      });
    },
    async spendRecoveryCode(accountId, hashes, by) {
      const at = now();
      return prisma.$transaction(async (tx) => {
        // The account comes before what it has, as in every change of it: the letter's link hangs on its row.
        if (!(await holdAccount(tx, accountId))) return false;
        const { count } = await tx.recoveryCode.updateMany({
          where: { accountId, codeHash: { in: hashes }, usedAt: null },
          data: { usedAt: at },
        });
        if (count === 0) return false;
        await tx.auditEvent.create({ data: auditRow({ event: 'recovery_code.used', accountId }, by, at) });
        const left = await tx.recoveryCode.count({ where: { accountId, usedAt: null } });
        await notice(accountId, { message: 'recovery-code-used', left })(tx, at);
        return true;
      });
    },
    recoveryCodesLeft: (accountId) => prisma.recoveryCode.count({ where: { accountId, usedAt: null } }),
  };
}
