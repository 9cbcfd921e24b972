import { openTestStores } from '../support/stores.ts';
import { accountStoreContract } from './accounts.contract.ts';
import { ownAccountContract } from './own-account.contract.ts';

accountStoreContract('SQLite', () => openTestStores());
ownAccountContract('SQLite', () => openTestStores());
