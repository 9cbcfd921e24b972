import type { StandardClaims } from '../../accounts/account.ts';
import type { By } from '../../lib/by.ts';
import type { Clock } from '../../lib/clock.ts';
import { toMilliseconds } from '../../lib/duration.ts';
import { keyedHash, sha256 } from '../../lib/hash.ts';
import type { Sealer } from '../../lib/sealing.ts';
import type { Invited, NewcomerLinks } from '../../links/newcomers.ts';
import type { Letter } from '../../mail/message.ts';
import type { AuditRow } from './audit-row.ts';
import type { Database, Transaction } from './database.ts';
import { insertLink, linkIn } from './link-rows.ts';
import { insertLetter } from './mail.ts';

export function prismaNewcomers({
  database: { prisma, exclusively },
  sealer,
  key,
  clock,
  auditRow,
}: {
  database: Database;
  sealer: Sealer;
  /** Of the hashes by which links of an address are found. */
  key: Buffer;
  clock: Clock;
  auditRow: AuditRow;
}): NewcomerLinks {
  const hashOf = (emailNormalized: string) => keyedHash(key, `link/${emailNormalized}`);

  /** One at a time for an address: there is no row yet that could be locked, and of two links one must end the other. */
  const ofAddress = <T>(
    emailNormalized: string,
    work: (tx: Transaction, emailHash: string, at: Date) => Promise<T>,
  ) => {
    const emailHash = hashOf(emailNormalized);
    return exclusively(`newcomer/${emailHash}`, (tx) => work(tx, emailHash, new Date(clock())));
  };

  function invitationOf(
    invited: Invited,
    mailed: boolean,
    by: By,
    also?: (tx: Transaction, token: string, at: Date) => Promise<void>,
  ) {
    const { email, emailNormalized, name, role, lifetime } = invited;
    const detail = { email, role, ...(name !== null && { name }), ...(mailed && { mailed: 'yes' }) };
    return ofAddress(emailNormalized, async (tx, emailHash, at) => {
      const until = new Date(at.getTime() + toMilliseconds(lifetime));
      const token = await insertLink(tx, sealer, { purpose: 'invitation', of: { emailHash }, detail, until }, at);
      const { id: invitationId } = await tx.mailedLink.findUniqueOrThrow({ where: { tokenHash: sha256(token) } });
      await also?.(tx, token, at);
      await tx.auditEvent.create({ data: auditRow({ event: 'invitation.sent', invitationId, role, mailed }, by, at) });
      return token;
    });
  }

  const openInvitations = (at: Date) => ({ purpose: 'invitation', spentAt: null, expiresAt: { gt: at } });

  return {
    signUp: ({ email, emailNormalized }, language, by) =>
      ofAddress(emailNormalized, async (tx, emailHash, at) => {
        const token = await insertLink(tx, sealer, { purpose: 'sign-up', of: { emailHash }, detail: { email } }, at);
        const letter = letterTo({ email, name: null, language }, { message: 'sign-up' }, at, token);
        await insertLetter(tx, sealer, letter, null, at);
        await tx.auditEvent.create({ data: auditRow({ event: 'sign_up.asked', accountId: null }, by, at) });
      }),
    tellKnown: (accountId, language, by) =>
      prisma.$transaction(async (tx) => {
        const at = new Date(clock());
        const where = { id: accountId, status: 'active' };
        const account = await tx.account.findFirst({ where, select: { email: true, claims: true } });
        if (!account) return;
        const { name = null, locale = language } = JSON.parse(account.claims) as StandardClaims;
        const to = { email: account.email, name, language: locale };
        await insertLetter(tx, sealer, letterTo(to, { message: 'sign-up-known' }, at), accountId, at);
        await tx.auditEvent.create({ data: auditRow({ event: 'sign_up.asked', accountId }, by, at) });
      }),
    async invite(invited, language, by) {
      await invitationOf(invited, true, by, async (tx, token, at) => {
        const until = at.getTime() + toMilliseconds(invited.lifetime);
        const letter = letterTo({ ...invited, language }, { message: 'invitation', until }, at, token);
        await insertLetter(tx, sealer, letter, null, at);
      });
    },
    inviteUnsent: (invited, by) => invitationOf(invited, false, by),
    async invitations() {
      const where = openInvitations(new Date(clock()));
      const rows = await prisma.mailedLink.findMany({ where, orderBy: { createdAt: 'asc' } });
      return rows.map((row) => {
        const { email = '', name = null, role = '', mailed } = linkIn(sealer, row).detail;
        const [createdAt, expiresAt] = [row.createdAt.getTime(), row.expiresAt.getTime()];
        return { id: row.id, email, name, role, mailed: mailed === 'yes', createdAt, expiresAt };
      });
    },
    revoke: (email, by) =>
      ofAddress(email, async (tx, emailHash, at) => {
        const open = await tx.mailedLink.findFirst({ where: { ...openInvitations(at), emailHash } });
        if (!open) return false;
        const { count } = await tx.mailedLink.deleteMany({ where: { id: open.id, spentAt: null } });
        if (count === 0) return false;
        const event = { event: 'invitation.revoked', invitationId: open.id } as const;
        await tx.auditEvent.create({ data: auditRow(event, by, at) });
        return true;
      }),
  };
}

function letterTo(
  { email: to, name, language }: { email: string; name: string | null; language: string },
  about: Letter['about'],
  at: Date,
  token?: string,
): Letter {
  return { ...{ to, name, locale: language, at: at.getTime(), about }, ...(token !== undefined && { token }) };
}
