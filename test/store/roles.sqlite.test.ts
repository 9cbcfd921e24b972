import { openTestStores } from '../support/stores.ts';
import { listedAccountsContract } from './listed-accounts.contract.ts';
import { roleStoreContract } from './roles.contract.ts';

const open = () => openTestStores();

roleStoreContract('SQLite', open);
listedAccountsContract('SQLite', open);
