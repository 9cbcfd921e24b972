import { openTestStores } from '../support/stores.ts';
import { accountNewsContract } from './account-news.contract.ts';

accountNewsContract('SQLite', () => openTestStores());
