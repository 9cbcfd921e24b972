import type { NewAccount, NewTotp } from '../accounts/store.ts';
import type { By } from '../lib/by.ts';
import type { Milliseconds } from '../lib/duration.ts';

export interface SetupLinkStore {
  /** Replaces every link made before. */
  replace(tokenHash: string, expiresAt: Milliseconds, by: By): Promise<void>;
  /** Whether the link is unspent, not expired, and no administrator exists. */
  isOpen(tokenHash: string): Promise<boolean>;
  /**
   * Spends the link in the transaction that creates the administrator with a confirmed second factor.
   * @returns false when it was spent, replaced, or an administrator exists: nothing was written.
   * @throws {Conflict} when the normalized address is taken: the link stays open.
   */
  spend(tokenHash: string, account: NewAccount, totp: NewTotp, by: By): Promise<boolean>;
}
