import { openTestStores } from '../support/stores.ts';
import { idleCodesContract, recoveriesContract, resetFactorsContract } from './recoveries.contract.ts';

recoveriesContract('SQLite', () => openTestStores());
resetFactorsContract('SQLite', () => openTestStores());
idleCodesContract('SQLite', () => openTestStores());
