import { openTestStores } from '../support/stores.ts';
import { recoveriesContract, resetFactorsContract } from './recoveries.contract.ts';

recoveriesContract('SQLite', () => openTestStores());
resetFactorsContract('SQLite', () => openTestStores());
