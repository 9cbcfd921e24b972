import type { Milliseconds } from '../lib/duration.ts';

/** What applications are told of an account, in the words of CAEP 1.0 and RISC 1.0. */
export type SecurityEvent =
  | { type: 'session-revoked'; initiator: Initiator }
  | { type: 'credential-change'; credential: Credential; change: CredentialChange; initiator: Initiator }
  | { type: RiscEvent };

/** RISC 1.0 2 */
export type RiscEvent =
  | 'account-credential-change-required'
  | 'account-disabled'
  | 'account-enabled'
  | 'account-purged'
  | 'identifier-changed'
  | 'recovery-information-changed';

/** CAEP 1.0 2: `initiating_entity` */
export type Initiator = 'admin' | 'user' | 'system';

/** CAEP 1.0 3.3.1. There is a word for each kind of authenticator, but none for a passkey, which may be of several. */
export type Credential = 'password' | 'app' | 'passkey';
export type CredentialChange = 'create' | 'update' | 'revoke' | 'delete';

/** What happened to an account at one instant. */
export interface AccountNews {
  events: SecurityEvent[];
  at: Milliseconds;
  /** Applications that its consent named: it may be gone by the time that they are told. */
  consented: string[];
}
