import type { By } from '../lib/by.ts';

/** One closed list, one shape each: ids and outcomes, never what somebody typed (a password lands in the field for the address). A new event is a new line here. */
export type AuditEvent =
  | { event: 'account.created'; accountId: string; role: string }
  | { event: 'account.password_set'; accountId: string }
  | { event: 'account.password_removed'; accountId: string }
  | { event: 'account.password_change_required'; accountId: string }
  | { event: 'password.range_unavailable' }
  | { event: 'account.claims_set'; accountId: string }
  | { event: 'account.level_set'; accountId: string; level: string }
  | { event: 'account.disabled'; accountId: string }
  | { event: 'account.enabled'; accountId: string }
  | { event: 'account.signed_out'; accountId: string }
  | { event: 'account.factors_reset'; accountId: string }
  | { event: 'account.unlocked'; accountId: string }
  | { event: 'account.exported'; accountId: string }
  | { event: 'account.deletion_asked'; accountId: string; dueAt: string }
  | { event: 'account.deletion_undone'; accountId: string }
  | { event: 'account.locked_by_owner'; accountId: string }
  | { event: 'account.recovery_started'; accountId: string; opensAt: string; mailed: boolean }
  | {
      event: 'account.recovery_stopped';
      accountId: string;
      because: 'operator' | 'letter' | 'sign-in' | 'lock' | 'disabled' | 'address' | 'incident';
    }
  | { event: 'account.recovered'; accountId: string; demanded: string | null }
  | { event: 'account.deleted'; accountId: string }
  | { event: 'passkey.enrolled'; accountId: string; credentialId: string }
  | { event: 'passkey.used'; accountId: string; clientId: string; credentialId: string }
  | { event: 'passkey.renamed'; accountId: string; credentialId: string }
  | { event: 'passkey.removed'; accountId: string; credentialId: string }
  | { event: 'passkey.counter_refused'; accountId: string; clientId: string; credentialId: string }
  | { event: 'totp.enrolled'; accountId: string; credentialId: string }
  | { event: 'totp.used'; accountId: string; clientId: string }
  | { event: 'totp.renamed'; accountId: string; credentialId: string }
  | { event: 'totp.removed'; accountId: string; credentialId: string }
  | { event: 'enrolment.postponed'; accountId: string; dueAt: string }
  | { event: 'browser.trusted'; accountId: string; until: string }
  | { event: 'browser.trust_ended'; accountId: string; count: number }
  | { event: 'recovery_codes.replaced'; accountId: string }
  | { event: 'recovery_code.used'; accountId: string }
  | { event: 'link.sent'; accountId: string; purpose: string }
  | { event: 'password_reset.used'; accountId: string }
  | { event: 'sign_up.asked'; accountId: string | null }
  | { event: 'sign_up.done'; accountId: string }
  | { event: 'invitation.sent'; invitationId: string; role: string; mailed: boolean }
  | { event: 'invitation.revoked'; invitationId: string }
  | { event: 'invitation.used'; accountId: string; invitationId: string }
  | { event: 'email.verified'; accountId: string }
  | { event: 'email.change_asked'; accountId: string }
  | { event: 'email.changed'; accountId: string }
  | { event: 'email.change_undone'; accountId: string }
  | { event: 'sign_in.succeeded'; accountId: string; clientId: string; amr: readonly string[]; acr: string }
  | {
      event: 'sign_in.failed';
      accountId: string | null;
      clientId: string;
      factor: 'password' | 'passkey' | 'totp' | 'recovery_code';
    }
  | {
      event: 'sign_in.limited';
      accountId: string | null;
      clientId: string;
      factor: 'password' | 'passkey' | 'totp' | 'recovery_code';
    }
  | { event: 'sign_in.unlocked'; accountId: string }
  | { event: 'sign_in.spraying'; clientId: string; counted: 'password' | 'address' }
  | { event: 'limit.lifted'; of: 'address' | 'all' }
  | { event: 'consent.given'; accountId: string; clientId: string; scopes: readonly string[] }
  | { event: 'consent.denied'; accountId: string; clientId: string }
  | { event: 'consent.withdrawn'; accountId: string; clientId: string }
  | { event: 'device.approved'; accountId: string; clientId: string }
  | { event: 'device.denied'; accountId: string | null; clientId: string }
  | { event: 'device.code_wrong'; accountId: string | null }
  | { event: 'grant.replayed'; accountId: string | null; clientId: string; kind: string }
  | { event: 'session.ended'; accountId: string }
  | { event: 'client.created'; clientId: string; type: string }
  | { event: 'client.updated'; clientId: string }
  | { event: 'client.secret_rotated'; clientId: string; oldEndsAt: string }
  | { event: 'client.disabled'; clientId: string }
  | { event: 'client.enabled'; clientId: string }
  | { event: 'client.deleted'; clientId: string }
  | { event: 'client.registered'; clientId: string; type: string; registrationTokenId: string | null }
  | { event: 'client.self_updated'; clientId: string; asksAgain: boolean }
  | { event: 'client.self_deleted'; clientId: string }
  | { event: 'client.self_management_ended'; clientId: string }
  | { event: 'registration.token_created'; registrationTokenId: string; name: string }
  | { event: 'registration.token_revoked'; registrationTokenId: string; name: string }
  | { event: 'client.account_listed'; clientId: string; accountId: string }
  | { event: 'client.account_unlisted'; clientId: string; accountId: string }
  | { event: 'role.created'; roleId: string; clientId: string; name: string }
  | { event: 'role.updated'; roleId: string; clientId: string; name: string }
  | { event: 'role.deleted'; roleId: string; clientId: string; name: string }
  | {
      event: 'role.granted' | 'role.revoked';
      roleId: string;
      /** The API. */
      clientId: string;
      name: string;
      accountId: string | null;
      /** The machine that holds it, where it is no person. */
      service?: string;
    }
  | { event: 'api_key.created' | 'api_key.revoked'; keyId: string; clientId: string; api: string }
  | {
      event: 'api_key.rotated';
      keyId: string;
      clientId: string;
      api: string;
      replacedBy: string;
      oldEndsAt: string;
    }
  | { event: 'delivery.retried'; clientId: string; count: number }
  | { event: 'delivery.dropped'; clientId: string; count: number }
  | { event: 'signing_key.added'; kid: string }
  | { event: 'signing_key.revoked'; kid: string }
  | { event: 'keyring.key_added'; keyId: string }
  | { event: 'keyring.key_removed'; keyId: string; early: boolean }
  | { event: 'installation.left'; to: string }
  | { event: 'installation.reopened'; leftFor: string | null }
  | { event: 'installation.restored'; madeAt: string; sessionsKept: boolean }
  | { event: 'backup.made'; keyring: boolean }
  | { event: 'incident.opened'; incidentId: string; accountId: string | null; clientId: string | null; match: string }
  | {
      event: 'incident.account_ended';
      incidentId: string;
      accountId: string;
      clientId: string | null;
      sessions: number;
      grants: number;
      told: readonly string[];
      password: 'required' | 'already' | 'none' | 'kept';
      passkeysRemoved: number;
      mailed: boolean;
    }
  | {
      event: 'incident.client_ended';
      incidentId: string;
      clientId: string;
      disabled: boolean;
      newSecret: boolean;
      apiKeysRevoked: number;
    }
  | { event: 'incident.done'; incidentId: string; accountId: string | null; clientId: string | null }
  | { event: 'audit.exported'; entries: number }
  | { event: 'audit.pruned'; through: number; before: string }
  | { event: 'setup_link.made' }
  | { event: 'setup_link.spent'; accountId: string };

export type Outcome = 'succeeded' | 'failed' | 'refused';

const OTHER_OUTCOMES: Partial<Record<AuditEvent['event'], Outcome>> = {
  'sign_in.failed': 'failed',
  'passkey.counter_refused': 'refused',
  'sign_in.limited': 'refused',
  'sign_in.spraying': 'refused',
  'password.range_unavailable': 'failed',
  'consent.denied': 'refused',
  'device.denied': 'refused',
  'device.code_wrong': 'failed',
  'grant.replayed': 'refused',
};

/** Of what an event reports: by far most report what was done. */
export function outcomeOf({ event }: AuditEvent): Outcome {
  return OTHER_OUTCOMES[event] ?? 'succeeded';
}

/** Events that report no change of their own; a change writes its event in its own transaction. */
export interface Audit {
  write(event: AuditEvent, by: By): Promise<void>;
}
