import { openTestStores } from '../support/stores.ts';
import { registrationsContract } from './registrations.contract.ts';

registrationsContract('PostgreSQL', () => openTestStores({ engine: 'postgresql' }));
