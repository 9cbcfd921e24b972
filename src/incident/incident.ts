import type { Milliseconds } from '../lib/duration.ts';

export type Scope =
  | { kind: 'account'; accountId: string }
  | { kind: 'client'; clientId: string }
  | { kind: 'everything' };

export interface Orders {
  scope: Scope;
  /** In the operator's words; for the report alone. */
  reason: string;
  keepPasswords: boolean;
  /** Those that were added lately stay too. */
  keepPasskeys: boolean;
  /** People are told by mail. */
  mail: boolean;
  keys: 'kept' | 'rotated' | 'revoked';
  /** For a client: its SHA-256. */
  newSecretHash: string | null;
  /** For a client. */
  disable: boolean;
}

/** What somebody has at the moment at which it is ended. */
export interface Holding {
  sessions: number;
  grants: number;
  /** Applications that hear of the end. */
  told: string[];
}

export type PasswordFate = 'required' | 'already' | 'none' | 'kept';

export interface AccountEnding extends Holding {
  accountId: string;
  password: PasswordFate;
  /** Those that were added lately go, since somebody else may have done so. */
  removePasskeys: boolean;
  mail: boolean;
}

export interface ClientEnding {
  clientId: string;
  disable: boolean;
  newSecretHash: string | null;
  /** Those that it has, and those that are shown to it where it is an API. */
  revokeApiKeys: boolean;
}

export interface EndedAccount extends Holding {
  accountId: string;
  password: PasswordFate;
  passkeysRemoved: number;
  mailed: boolean;
}

export interface EndedClient {
  clientId: string;
  disabled: boolean;
  newSecret: boolean;
  apiKeysRevoked: number;
}

export interface EndedKeys {
  added: string;
  activatesAt: Milliseconds;
  revoked: string[];
  /** Until then whoever caches the key set may trust what was revoked, and not know what was added. */
  knownByCachesFrom: Milliseconds;
}

/** Everything that is known when it is over. Instants are milliseconds. */
export interface Findings {
  id: string | null;
  openedAt: Milliseconds;
  finishedAt: Milliseconds;
  accounts: EndedAccount[];
  clients: EndedClient[];
  keys: EndedKeys | null;
  /** Jobs that the running server has still to do, by kind. */
  pending: Record<string, number>;
}
