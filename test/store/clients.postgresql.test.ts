import { openTestStores } from '../support/stores.ts';
import { clientStoreContract } from './clients.contract.ts';

clientStoreContract('PostgreSQL', () => openTestStores({ engine: 'postgresql' }));
