import { openPostgresqlState } from '../support/postgresql-stores.ts';
import { attemptStoreContract } from './attempts.contract.ts';

attemptStoreContract('PostgreSQL', async () => (await openPostgresqlState()).attempts);
