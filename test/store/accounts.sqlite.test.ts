import { openTestStores } from '../support/stores.ts';
import { accountStoreContract } from './accounts.contract.ts';
import { locksContract } from './locks.contract.ts';
import { ownAccountContract } from './own-account.contract.ts';
import { passkeyStoreContract } from './passkeys.contract.ts';
import { passwordChangeContract } from './password-change.contract.ts';

accountStoreContract('SQLite', () => openTestStores());
locksContract('SQLite', () => openTestStores());
ownAccountContract('SQLite', () => openTestStores());
passkeyStoreContract('SQLite', () => openTestStores());
passwordChangeContract('SQLite', () => openTestStores());
