import { openTestStores } from '../support/stores.ts';
import { incidentStoreContract } from './incidents.contract.ts';

incidentStoreContract('PostgreSQL', () => openTestStores({ engine: 'postgresql' }));
