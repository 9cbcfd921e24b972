import { openTestStores } from '../support/stores.ts';
import { accountStoreContract } from './accounts.contract.ts';
import { ownAccountContract } from './own-account.contract.ts';
import { passwordChangeContract } from './password-change.contract.ts';

accountStoreContract('SQLite', () => openTestStores());
ownAccountContract('SQLite', () => openTestStores());
passwordChangeContract('SQLite', () => openTestStores());
