import { openTestStores } from '../support/stores.ts';
import { registrationsContract } from './registrations.contract.ts';

registrationsContract('SQLite', () => openTestStores());
