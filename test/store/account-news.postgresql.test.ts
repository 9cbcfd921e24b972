import { openTestStores } from '../support/stores.ts';
import { accountNewsContract } from './account-news.contract.ts';

accountNewsContract('PostgreSQL', () => openTestStores({ engine: 'postgresql' }));
