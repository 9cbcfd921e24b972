import type { By } from '../lib/by.ts';

/** One closed list, one shape each: ids and outcomes, never what somebody typed. A new event is a new line here. */
export type AuditEvent =
  | { event: 'account.created'; accountId: string; role: string }
  | { event: 'account.password_set'; accountId: string }
  | { event: 'account.claims_set'; accountId: string }
  | { event: 'account.disabled'; accountId: string }
  | { event: 'account.enabled'; accountId: string }
  | { event: 'account.signed_out'; accountId: string }
  | { event: 'account.factors_reset'; accountId: string }
  | { event: 'account.unlocked'; accountId: string }
  | { event: 'account.deleted'; accountId: string }
  | { event: 'totp.enrolled'; accountId: string; credentialId: string }
  | { event: 'totp.renamed'; accountId: string; credentialId: string }
  | { event: 'totp.removed'; accountId: string; credentialId: string }
  | { event: 'recovery_codes.replaced'; accountId: string }
  | { event: 'recovery_code.used'; accountId: string }
  | { event: 'sign_in.succeeded'; accountId: string; clientId: string; amr: readonly string[]; acr: string }
  | {
      event: 'sign_in.failed';
      accountId: string | null;
      clientId: string;
      factor: 'password' | 'totp' | 'recovery_code';
    }
  | {
      event: 'sign_in.limited';
      accountId: string | null;
      clientId: string;
      factor: 'password' | 'totp' | 'recovery_code';
    }
  | { event: 'consent.given'; accountId: string; clientId: string; scopes: readonly string[] }
  | { event: 'consent.denied'; accountId: string; clientId: string }
  | { event: 'consent.withdrawn'; accountId: string; clientId: string }
  | { event: 'grant.replayed'; clientId: string; kind: string }
  | { event: 'session.ended'; accountId: string }
  | { event: 'client.created'; clientId: string; type: string }
  | { event: 'client.updated'; clientId: string }
  | { event: 'client.secret_rotated'; clientId: string; oldEndsAt: string }
  | { event: 'client.disabled'; clientId: string }
  | { event: 'client.enabled'; clientId: string }
  | { event: 'client.deleted'; clientId: string }
  | { event: 'signing_key.added'; kid: string }
  | { event: 'signing_key.revoked'; kid: string }
  | { event: 'keyring.key_added'; keyId: string }
  | { event: 'keyring.key_removed'; keyId: string; early: boolean }
  | { event: 'installation.left'; to: string }
  | { event: 'installation.reopened'; leftFor: string | null }
  | { event: 'installation.restored'; madeAt: string; sessionsKept: boolean }
  | { event: 'setup_link.made' }
  | { event: 'setup_link.spent'; accountId: string };

/** Events that report no change of their own; a change writes its event in its own transaction. */
export interface Audit {
  write(event: AuditEvent, by: By): Promise<void>;
}
