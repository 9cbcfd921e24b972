import { openTestStores } from '../support/stores.ts';
import { activityContract } from './activity.contract.ts';
import { auditContract } from './audit.contract.ts';
import { auditTrailContract } from './audit-trail.contract.ts';
import { consentStoreContract } from './consents.contract.ts';
import { deletionContract } from './deletion.contract.ts';
import { deliveriesContract } from './deliveries.contract.ts';
import { knownBrowserStoreContract } from './known-browsers.contract.ts';
import { mailContract } from './mail.contract.ts';
import { newcomersContract } from './newcomers.contract.ts';
import { outboxContract } from './outbox.contract.ts';
import { setupLinkStoreContract } from './setup-links.contract.ts';
import { signingKeyStoreContract } from './signing-keys.contract.ts';

const open = () => openTestStores({ engine: 'postgresql' });

activityContract('PostgreSQL', open);
auditContract('PostgreSQL', open);
auditTrailContract('PostgreSQL', open);
consentStoreContract('PostgreSQL', open);
deliveriesContract('PostgreSQL', open);
mailContract('PostgreSQL', open);
deletionContract('PostgreSQL', open);
knownBrowserStoreContract('PostgreSQL', open);
newcomersContract('PostgreSQL', open);
outboxContract('PostgreSQL', open);
setupLinkStoreContract('PostgreSQL', open);
signingKeyStoreContract('PostgreSQL', open);
