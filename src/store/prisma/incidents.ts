import type { AuditEvent } from '../../audit/audit.ts';
import type { AccountEnding, EndedAccount, EndedClient } from '../../incident/incident.ts';
import type { IncidentStore, OpenIncident } from '../../incident/store.ts';
import type { By } from '../../lib/by.ts';
import { newId } from '../../lib/ids.ts';
import { newsOf, withNews } from './account-news.ts';
import { revokeApiKeys } from './api-key-rows.ts';
import type { SealedChangeDeps } from './change.ts';
import type { Transaction } from './database.ts';
import { voidLinks } from './link-rows.ts';
import { queueLetter } from './mail.ts';
import { jobRow } from './outbox.ts';
import { endRecovery } from './recovery-end.ts';
import { removeYoungPasskeys } from './young-passkeys.ts';

type Step = 'incident.opened' | 'incident.account_ended' | 'incident.client_ended' | 'incident.done';

/** Ids are random, so that no other detail contains one. */
const stepOf = (event: Step, { id, openedAt }: OpenIncident) => ({
  ...{ event, at: { gte: new Date(openedAt) } },
  detail: { contains: `"${id}"` },
});

export function prismaIncidents({ prisma, sealer, clock, auditRow }: SealedChangeDeps): IncidentStore {
  async function record(tx: Transaction, event: AuditEvent, by: By, at: Date): Promise<void> {
    await tx.auditEvent.create({ data: auditRow(event, by, at) });
  }

  /** What is written once per incident. The lock comes first: of two who do the same, the second sees it done. */
  function once(
    lock: (tx: Transaction, at: Date) => Promise<{ count: number }>,
    isDone: (tx: Transaction) => Promise<number>,
    work: (tx: Transaction, at: Date) => Promise<void>,
  ): Promise<boolean> {
    return prisma.$transaction(async (tx) => {
      const { count } = await lock(tx, new Date(clock()));
      if (count === 0 || (await isDone(tx)) > 0) return false;
      // The row is locked by now. A time from before the wait for it would spare whoever signed in meanwhile.
      await work(tx, new Date(clock()));
      return true;
    });
  }

  const lockAccount = (id: string) => (tx: Transaction, updatedAt: Date) =>
    tx.account.updateMany({ where: { id }, data: { updatedAt } });

  return {
    async unfinished(match, since) {
      const opened = await prisma.auditEvent.findMany({
        where: { event: 'incident.opened', at: { gte: new Date(since) }, detail: { contains: `"${match}"` } },
        orderBy: { at: 'desc' },
      });
      for (const { detail, at } of opened) {
        const { incidentId: id } = JSON.parse(detail) as { incidentId: string };
        const incident = { id, openedAt: at.getTime() };
        if ((await prisma.auditEvent.count({ where: stepOf('incident.done', incident) })) === 0) return incident;
      }
      return null;
    },
    async open(id, scope, match, by) {
      const at = new Date(clock());
      await prisma.auditEvent.create({
        data: auditRow({ event: 'incident.opened', incidentId: id, ...idsOf(scope), match }, by, at),
      });
      return { id, openedAt: at.getTime() };
    },
    endAccount(incident, ending, by) {
      const { accountId, password, removePasskeys } = ending;
      return once(
        lockAccount(accountId),
        (tx) => tx.auditEvent.count({ where: { ...stepOf('incident.account_ended', incident), accountId } }),
        async (tx, at) => {
          const isRequired = password === 'required' || password === 'already';
          const data = { factorsVersion: { increment: 1 }, ...(isRequired && { mustChangePassword: true }) };
          await tx.account.updateMany({ where: { id: accountId }, data });
          await tx.account.updateMany({ where: { id: accountId, notBefore: { lt: at } }, data: { notBefore: at } });
          await tx.knownBrowser.deleteMany({ where: { accountId } });
          // Somebody who reads old letters would choose the password that is asked for.
          await voidLinks(tx, accountId, ['password-reset']);
          await endRecovery(tx, auditRow, { accountId, because: 'incident', by, at });
          if (password === 'required') {
            await record(tx, { event: 'account.password_change_required', accountId }, by, at);
          }
          const event = isRequired ? 'account.password_change_required' : 'account.signed_out';
          const news = await newsOf(tx, { event, accountId }, { by, at, ends: true });
          const young = { accountId, toldAt: new Date(incident.openedAt) };
          const passkeysRemoved = removePasskeys ? await removeYoungPasskeys({ tx, auditRow }, young, by, at) : 0;
          await recordEnded(tx, incident.id, null, { ...ending, passkeysRemoved }, by, at);
          const job = { kind: 'end-account', accountId, before: at.getTime() } as const;
          await tx.outboxMessage.create({ data: jobRow(withNews(job, news), at) });
          const must = isRequired ? 'password' : 'sign-in';
          const about = { message: 'incident', must, ...(passkeysRemoved > 0 && { passkeysRemoved }) } as const;
          if (ending.mail) await queueLetter(tx, sealer, accountId, about, at);
        },
      );
    },
    endClient(incident, { clientId, disable, newSecretHash, revokeApiKeys: revokesKeys }, by) {
      return once(
        (tx, updatedAt) => tx.client.updateMany({ where: { id: clientId }, data: { updatedAt } }),
        async (tx) => {
          const where = { ...stepOf('incident.client_ended', incident), clientId };
          // A secret that was stored and, since the command was cut short, never shown is replaced.
          return newSecretHash === null ? tx.auditEvent.count({ where }) : 0;
        },
        async (tx, at) => {
          if (disable) await tx.client.update({ where: { id: clientId }, data: { status: 'disabled' } });
          await tx.client.updateMany({ where: { id: clientId, notBefore: { lt: at } }, data: { notBefore: at } });
          if (disable) await record(tx, { event: 'client.disabled', clientId }, by, at);
          if (newSecretHash !== null) {
            await tx.clientSecret.deleteMany({ where: { clientId } });
            const id = newId('sec');
            await tx.clientSecret.create({ data: { id, clientId, secretHash: newSecretHash, createdAt: at } });
            await record(tx, { event: 'client.secret_rotated', clientId, oldEndsAt: at.toISOString() }, by, at);
          }
          const apiKeysRevoked = revokesKeys
            ? await revokeApiKeys({ tx, auditRow, clock }, { ofClient: clientId }, by)
            : 0;
          if (revokesKeys && (await endSelfManagement(tx, clientId))) {
            await record(tx, { event: 'client.self_management_ended', clientId }, by, at);
          }
          const what = { disabled: disable, newSecret: newSecretHash !== null, apiKeysRevoked };
          await record(tx, { event: 'incident.client_ended', incidentId: incident.id, clientId, ...what }, by, at);
        },
      );
    },
    tellOf(incident, clientId, sids, told, by) {
      const { accountId } = told;
      return once(
        lockAccount(accountId),
        (tx) => tx.auditEvent.count({ where: { ...stepOf('incident.account_ended', incident), accountId } }),
        async (tx, at) => {
          for (const sid of told.told.length > 0 ? sids : []) {
            const job = { kind: 'backchannel-logout', clientId, accountId, sid } as const;
            await tx.outboxMessage.create({ data: jobRow(job, at) });
          }
          if (told.mail) await queueLetter(tx, sealer, accountId, { message: 'incident', must: 'sign-in-there' }, at);
          await recordEnded(tx, incident.id, clientId, { ...told, passkeysRemoved: 0 }, by, at);
        },
      );
    },
    async clear(clientId) {
      await prisma.$transaction(async (tx) => {
        const client = await tx.client.findUnique({ where: { id: clientId } });
        const job = { kind: 'end-client', clientId, before: client?.notBefore.getTime() ?? clock() } as const;
        await tx.outboxMessage.create({ data: jobRow(job, new Date(clock())) });
      });
    },
    async ended(incident) {
      const rowsOf = (event: Step) =>
        prisma.auditEvent.findMany({ where: stepOf(event, incident), orderBy: { at: 'asc' } });
      const [people, clients] = [await rowsOf('incident.account_ended'), await rowsOf('incident.client_ended')];
      const latest = new Map(clients.map((row) => [row.clientId ?? '', row.detail]));
      return {
        accounts: people.map(({ accountId, detail }) => toAccount(accountId ?? '', detail)),
        clients: [...latest].map(([clientId, detail]) => {
          // A run that was repeated found those revoked that an earlier one did.
          const runs = clients.filter((row) => row.clientId === clientId).map((row) => toClient(clientId, row.detail));
          const apiKeysRevoked = runs.reduce((sum, run) => sum + run.apiKeysRevoked, 0);
          return { ...toClient(clientId, detail), apiKeysRevoked };
        }),
      };
    },
    async pending(since, about) {
      const where = {
        ...{ doneAt: null, createdAt: { gte: new Date(since) } },
        ...(about !== null && { payload: { contains: `"${about}"` } }),
      };
      const groups = await prisma.outboxMessage.groupBy({ by: ['kind'], where, _count: true });
      return Object.fromEntries(groups.map(({ kind, _count }) => [kind, _count]));
    },
    async done(id, scope, by) {
      const event = { event: 'incident.done', incidentId: id, ...idsOf(scope) } as const;
      await prisma.auditEvent.create({ data: auditRow(event, by, new Date(clock())) });
    },
  };

  function recordEnded(
    tx: Transaction,
    incidentId: string,
    clientId: string | null,
    { accountId, sessions, grants, told, password, passkeysRemoved, mail }: AccountEnding & { passkeysRemoved: number },
    by: By,
    at: Date,
  ): Promise<void> {
    const what = { accountId, clientId, sessions, grants, told, password, passkeysRemoved, mailed: mail };
    return record(tx, { event: 'incident.account_ended', incidentId, ...what }, by, at);
  }
}

/** Whoever has the secrets of a client may have its registration access token too, and with it change where codes go. */
async function endSelfManagement(tx: Transaction, id: string): Promise<boolean> {
  const where = { id, registrationTokenHash: { not: null } };
  return (await tx.client.updateMany({ where, data: { registrationTokenHash: null } })).count > 0;
}

function idsOf(scope: { kind: string; accountId?: string; clientId?: string }) {
  return { accountId: scope.accountId ?? null, clientId: scope.clientId ?? null };
}

function toAccount(accountId: string, detail: string): EndedAccount {
  const {
    sessions,
    grants,
    told,
    password,
    passkeysRemoved = 0,
    mailed,
  } = JSON.parse(detail) as Omit<EndedAccount, 'accountId'>;
  return { accountId, sessions, grants, told, password, passkeysRemoved, mailed };
}

function toClient(clientId: string, detail: string): EndedClient {
  const { disabled, newSecret, apiKeysRevoked = 0 } = JSON.parse(detail) as Omit<EndedClient, 'clientId'>;
  return { clientId, disabled, newSecret, apiKeysRevoked };
}
