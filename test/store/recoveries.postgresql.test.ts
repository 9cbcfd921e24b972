import { openTestStores } from '../support/stores.ts';
import { idleCodesContract, recoveriesContract, resetFactorsContract } from './recoveries.contract.ts';

recoveriesContract('PostgreSQL', () => openTestStores({ engine: 'postgresql' }));
resetFactorsContract('PostgreSQL', () => openTestStores({ engine: 'postgresql' }));
idleCodesContract('PostgreSQL', () => openTestStores({ engine: 'postgresql' }));
