import { openTestState } from '../support/stores.ts';
import { attemptStoreContract } from './attempts.contract.ts';

attemptStoreContract('SQLite', () => openTestState().attempts);
