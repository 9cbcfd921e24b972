import type { PasskeyStore } from '../accounts/passkey-store.ts';
import type { AccountStore } from '../accounts/store.ts';
import type { Means } from '../assurance/removal.ts';
import type { OwnSession } from './own-session.ts';

export interface MeansDeps {
  accounts: Pick<AccountStore, 'authenticators'>;
  passkeyStore: Pick<PasskeyStore, 'ofAccount'>;
}

/** All that the owner of this session can sign in with. */
export async function meansOf({ accounts, passkeyStore }: MeansDeps, { account }: OwnSession): Promise<Means> {
  const [authenticators, passkeys] = [
    await accounts.authenticators(account.id),
    await passkeyStore.ofAccount(account.id),
  ];
  return {
    password: account.passwordHash !== null,
    passkeys: passkeys.length,
    authenticators: authenticators.length,
  };
}
