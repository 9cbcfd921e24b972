import { describe, expect, it } from 'vitest';
import { openTestStores } from '../support/stores.ts';
import { consentStoreContract } from './consents.contract.ts';
import { outboxContract } from './outbox.contract.ts';
import { BY } from './samples.ts';
import { setupLinkStoreContract } from './setup-links.contract.ts';
import { signingKeyStoreContract } from './signing-keys.contract.ts';

const open = () => openTestStores();

consentStoreContract('SQLite', open);
outboxContract('SQLite', open);
setupLinkStoreContract('SQLite', open);
signingKeyStoreContract('SQLite', open);

describe('the audit in SQLite', () => {
  it('keeps who, when, whom and the rest of the event apart', async () => {
    const { audit, clock, rows } = await open();
    await audit.write({ event: 'sign_in.failed', accountId: null, clientId: 'web', factor: 'password' }, BY);
    expect(rows('AuditEvent')).toMatchObject([
      {
        ...{ at: clock(), event: 'sign_in.failed', accountId: null, clientId: 'web', detail: '{"factor":"password"}' },
        ...{ actor: BY.actor, address: BY.address, requestId: BY.requestId },
      },
    ]);
  });
});
