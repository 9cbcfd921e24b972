import type { AuditEvent } from '../audit/audit.ts';
import type { TrailEvent } from '../audit/trail.ts';
import { iso } from './layout.ts';

/** What happened, after whoever did it. */
const WORDS: Record<AuditEvent['event'], string> = {
  'account.created': 'made the account',
  'account.password_set': 'set the password of',
  'account.password_removed': 'removed the password of',
  'account.password_change_required': 'demanded a new password of',
  'password.range_unavailable': 'could not look a new password up',
  'account.claims_set': 'changed the profile of',
  'account.level_set': 'set the level demanded of',
  'account.disabled': 'disabled',
  'account.enabled': 'enabled',
  'account.signed_out': 'signed out everywhere',
  'account.factors_reset': 'reset the second factors of',
  'account.unlocked': 'unlocked',
  'account.exported': 'exported all data of',
  'account.deletion_asked': 'asked for the deletion of',
  'account.deletion_undone': 'took back the deletion of',
  'account.locked_by_owner': 'locked by a mailed link the account of',
  'account.recovery_started': 'started the recovery of',
  'account.recovery_stopped': 'stopped the recovery of',
  'account.recovered': 'recovered by a link the account of',
  'account.deleted': 'deleted the account',
  'passkey.enrolled': 'added a passkey to',
  'passkey.used': 'signed in with a passkey of',
  'passkey.renamed': 'renamed a passkey of',
  'passkey.removed': 'removed a passkey from',
  'passkey.counter_refused': 'was refused, by its counter, with a passkey of',
  'totp.enrolled': 'added an authenticator app to',
  'totp.renamed': 'renamed an authenticator app of',
  'totp.removed': 'removed an authenticator app from',
  'enrolment.postponed': 'put off adding a second factor to',
  'browser.trusted': 'had a browser stand in for the second factor of',
  'browser.trust_ended': 'ended the trust in browsers of',
  'recovery_codes.replaced': 'replaced the recovery codes of',
  'totp.used': 'gave a code of the authenticator app of',
  'recovery_code.used': 'used a recovery code of',
  'link.sent': 'a link was mailed',
  'password_reset.used': 'password set by a mailed link',
  'sign_up.asked': 'asked for an account',
  'sign_up.done': 'signed up',
  'invitation.sent': 'invited somebody',
  'invitation.revoked': 'revoked an invitation',
  'invitation.used': 'was invited and made the account',
  'email.verified': 'proved the address of',
  'email.change_asked': 'asked for another address of',
  'email.changed': 'changed the address of',
  'email.change_undone': 'put back the address of',
  'sign_in.succeeded': 'signed in as',
  'sign_in.failed': 'failed to sign in as',
  'sign_in.limited': 'has to wait after too many tries as',
  'sign_in.unlocked': 'ended by a mailed link the wait of',
  'sign_in.spraying': 'tries one password at many accounts',
  'limit.lifted': 'lifted limits',
  'consent.given': 'gave consent as',
  'consent.denied': 'denied consent as',
  'consent.withdrawn': 'withdrew consent as',
  'device.approved': 'connected a device as',
  'device.denied': 'turned a device away as',
  'device.code_wrong': 'typed the code of no device',
  'grant.replayed': 'presented again a spent code or token of',
  'session.ended': 'ended a session of',
  'client.created': 'registered',
  'client.updated': 'changed the registration of',
  'client.secret_rotated': 'replaced the secret of',
  'client.disabled': 'disabled',
  'client.enabled': 'enabled',
  'client.deleted': 'deleted',
  'client.registered': 'registered over HTTP',
  'client.self_updated': 'changed its own registration:',
  'client.self_deleted': 'deleted itself:',
  'client.self_management_ended': 'ended the self-management of',
  'registration.token_created': 'made a registration token',
  'registration.token_revoked': 'revoked a registration token',
  'client.account_listed': 'opened an application to',
  'client.account_unlisted': 'closed an application to',
  'role.created': 'made a role',
  'role.updated': 'changed a role',
  'role.deleted': 'deleted a role',
  'role.granted': 'gave a role to',
  'role.revoked': 'took a role from',
  'api_key.created': 'made an API key',
  'api_key.rotated': 'replaced an API key',
  'api_key.revoked': 'revoked an API key',
  'delivery.retried': 'had messages tried again',
  'delivery.dropped': 'dropped messages',
  'signing_key.added': 'added a signing key',
  'signing_key.revoked': 'revoked a signing key',
  'keyring.key_added': 'added a key to the keyring',
  'keyring.key_removed': 'removed a key from the keyring',
  'installation.left': 'moved the installation elsewhere',
  'installation.reopened': 'came back to the installation',
  'installation.restored': 'restored a backup',
  'backup.made': 'made a backup',
  'incident.opened': 'opened an incident',
  'incident.account_ended': 'ended in an incident the access of',
  'incident.client_ended': 'ended in an incident the access of',
  'incident.done': 'finished an incident',
  'audit.exported': 'exported the audit trail',
  'audit.pruned': 'removed the beginning of the audit trail',
  'setup_link.made': 'made a set-up link',
  'setup_link.spent': 'used the set-up link for',
};

/** Those there are. */
export const EVENTS: readonly string[] = Object.keys(WORDS);

export function isEvent(name: string): name is AuditEvent['event'] {
  return Object.hasOwn(WORDS, name);
}

/** @param nameOf a person's address, where they are known */
export function lineOf(entry: TrailEvent, nameOf: (accountId: string) => string): string {
  const { at, event, actor, accountId, clientId, personal } = entry;
  const who = actor.startsWith('acc_') ? nameOf(actor) : actor;
  // An event of a newer program, which this one has no words for.
  const what = isEvent(event) ? WORDS[event] : event;
  const whom = whomOf(entry, who, accountId === null ? null : nameOf(accountId));
  const where = clientId === null || isAboutClient(entry) ? '' : `at ${clientId}`;
  const from = [personal?.address && `from ${personal.address}`, personal?.browser && `with ${personal.browser}`];
  return [iso(at), who, what, whom, where, ...from].filter(Boolean).join(' ') + details(entry);
}

/** And about nobody's account. */
function isAboutClient({ event, accountId }: TrailEvent): boolean {
  return event.startsWith('client.') && accountId === null;
}

function whomOf(entry: TrailEvent, who: string, name: string | null): string {
  const { event, accountId, actor, clientId } = entry;
  if (isAboutClient(entry)) return clientId ?? '';
  if (name !== null) return actor === accountId ? 'themselves' : name;
  if (event === 'role.granted' || event === 'role.revoked') return 'a service';
  return event.startsWith('sign_in.') && who === 'visitor' ? 'somebody unknown' : '';
}

function details({ detail, personalState }: TrailEvent): string {
  const said = detailOf(detail);
  const known =
    typeof said === 'string'
      ? [said]
      : Object.entries(said ?? {}).map(([name, value]) => `${name}: ${[value].flat().join(' ')}`);
  if (personalState === 'erased') known.push('the rest was erased');
  return known.length > 0 ? ` (${known.join(', ')})` : '';
}

/** What somebody changed may be no JSON any more: it is shown all the same, and `audit verify` names it. */
function detailOf(detail: string): unknown {
  try {
    return JSON.parse(detail);
  } catch {
    return detail;
  }
}

/** For programs. */
export function entryJson({ at, detail, personal, ...entry }: TrailEvent) {
  return {
    ...{ ...entry, at: iso(at), detail: detailOf(detail) },
    ...{ address: personal?.address ?? null, browser: personal?.browser ?? null },
  };
}
