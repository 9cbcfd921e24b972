import { openTestStores } from '../support/stores.ts';
import { clientStoreContract } from './clients.contract.ts';

clientStoreContract('SQLite', () => openTestStores());
