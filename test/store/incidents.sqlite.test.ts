import { openTestStores } from '../support/stores.ts';
import { incidentStoreContract } from './incidents.contract.ts';

incidentStoreContract('SQLite', () => openTestStores());
