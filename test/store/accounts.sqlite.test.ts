import { openTestStores } from '../support/stores.ts';
import { accountStoreContract } from './accounts.contract.ts';

accountStoreContract('SQLite', () => openTestStores());
