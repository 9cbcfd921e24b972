import { createChallenges } from './accounts/challenges.ts';
import { createPasskeys } from './accounts/passkeys.ts';
import { createRecoveryCodes } from './accounts/recovery-codes.ts';
import { createTotp } from './accounts/totp.ts';
import type { Config } from './config/config.ts';
import type { Clock } from './lib/clock.ts';
import type { Stores } from './store/open.ts';

/** What people prove who they are with, beside their passwords. */
export function createFactors({ config, stores, clock }: { config: Config; stores: Stores; clock: Clock }) {
  const { keyring, accounts, passkeys: store, lastingKeys } = stores;
  const { issuer, siteName, acceptPasskeyCounters: acceptCounters } = config;
  const challenges = createChallenges({ keyring, clock });
  return {
    totp: createTotp({ accounts, clock }),
    passkeys: createPasskeys({ store, challenges, issuer, siteName, acceptCounters }),
    passkeyStore: store,
    recoveryCodes: createRecoveryCodes({ accounts, key: lastingKeys.recoveryCodes }),
  };
}
