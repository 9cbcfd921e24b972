import { openPostgresqlState } from '../support/postgresql-stores.ts';
import { progressStoreContract } from './progress.contract.ts';

progressStoreContract('PostgreSQL', () => openPostgresqlState());
