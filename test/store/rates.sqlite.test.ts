import { memoryRates } from '../../src/store/sqlite/rates.ts';
import { rateStoreContract } from './rates.contract.ts';

rateStoreContract('memory', async () => memoryRates);
