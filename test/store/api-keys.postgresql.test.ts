import { openTestStores } from '../support/stores.ts';
import { apiKeyStoreContract } from './api-keys.contract.ts';

apiKeyStoreContract('PostgreSQL', () => openTestStores({ engine: 'postgresql' }));
