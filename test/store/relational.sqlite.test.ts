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

const open = () => openTestStores();

activityContract('SQLite', open);
auditContract('SQLite', open);
auditTrailContract('SQLite', open);
consentStoreContract('SQLite', open);
deliveriesContract('SQLite', open);
mailContract('SQLite', open);
deletionContract('SQLite', open);
knownBrowserStoreContract('SQLite', open);
newcomersContract('SQLite', open);
outboxContract('SQLite', open);
setupLinkStoreContract('SQLite', open);
signingKeyStoreContract('SQLite', open);
