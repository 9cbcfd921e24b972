import { openTestStores } from '../support/stores.ts';
import { recoveriesContract, resetFactorsContract } from './recoveries.contract.ts';

recoveriesContract('PostgreSQL', () => openTestStores({ engine: 'postgresql' }));
resetFactorsContract('PostgreSQL', () => openTestStores({ engine: 'postgresql' }));
