import type { AuditEvent } from '../../audit/audit.ts';
import type { By } from '../../lib/by.ts';
import type { NewJob } from '../../outbox/outbox.ts';
import type { Credential, CredentialChange, Initiator, SecurityEvent } from '../../outbox/security-event.ts';
import type { Transaction } from './database.ts';

interface Circumstances {
  by: By;
  at: Date;
  /** Every session and grant of the account ends with it. */
  ends: boolean;
}

type News = Extract<NewJob, { kind: 'account-news' }>;

/** What applications are told of a change. Null where it concerns none, or where none wants to be told of anything. */
export async function newsOf(
  tx: Transaction,
  event: AuditEvent,
  { by, at, ends }: Circumstances,
): Promise<News | null> {
  if (!('accountId' in event) || event.accountId === null) return null;
  const { accountId } = event;
  const initiator = initiatorOf(by, accountId);
  const events = securityEvents(event, initiator);
  if (ends) events.unshift({ type: 'session-revoked', initiator });
  if (events.length === 0) return null;
  const settings = { contains: '"securityEventsUri":"' };
  const listening = await tx.client.findMany({ where: { settings }, select: { id: true } });
  if (listening.length === 0) return null;
  const where = { accountId, clientId: { in: listening.map(({ id }) => id) } };
  const consented = (await tx.consent.findMany({ where, select: { clientId: true } })).map(({ clientId }) => clientId);
  return { kind: 'account-news', accountId, news: { events, at: at.getTime(), consented } };
}

/** In one job with the end of access, which removes what says which applications know the account. */
export function withNews(job: NewJob, news: News | null): NewJob {
  return news && job.kind === 'end-account' ? { ...job, news: news.news } : job;
}

/** A link in a letter is opened by whoever gets its owner's mail. */
function initiatorOf({ actor }: By, accountId: string): Initiator {
  if (actor === accountId || actor === 'visitor') return 'user';
  return actor === 'system' ? 'system' : 'admin';
}

function securityEvents({ event }: AuditEvent, initiator: Initiator): SecurityEvent[] {
  const changed = (credential: Credential, change: CredentialChange): SecurityEvent => ({
    ...{ type: 'credential-change', credential, change, initiator },
  });
  const factorsGone = () => [changed('app', 'revoke'), changed('passkey', 'revoke')];
  switch (event) {
    case 'account.password_set':
    case 'password_reset.used':
      return [changed('password', 'update')];
    case 'account.password_removed':
      return [changed('password', 'delete')];
    case 'account.locked_by_owner':
      return [changed('password', 'revoke')];
    case 'account.password_change_required':
      return [{ type: 'account-credential-change-required' }];
    case 'account.factors_reset':
      return factorsGone();
    case 'account.recovered':
      return [changed('password', 'update'), ...factorsGone()];
    case 'totp.enrolled':
      return [changed('app', 'create')];
    case 'totp.removed':
      return [changed('app', 'delete')];
    case 'passkey.enrolled':
      return [changed('passkey', 'create')];
    case 'passkey.removed':
      return [changed('passkey', 'delete')];
    case 'recovery_codes.replaced':
      return [{ type: 'recovery-information-changed' }];
    case 'account.disabled':
    case 'account.deletion_asked':
      return [{ type: 'account-disabled' }];
    case 'account.enabled':
    case 'account.deletion_undone':
      return [{ type: 'account-enabled' }];
    case 'account.deleted':
      return [{ type: 'account-purged' }];
    case 'email.changed':
      return [{ type: 'identifier-changed' }];
    case 'email.change_undone':
      return [{ type: 'identifier-changed' }, changed('password', 'revoke')];
    default:
      return [];
  }
}
