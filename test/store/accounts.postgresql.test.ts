import { openTestStores } from '../support/stores.ts';
import { accountStoreContract } from './accounts.contract.ts';

accountStoreContract('PostgreSQL', () => openTestStores({ engine: 'postgresql' }));
