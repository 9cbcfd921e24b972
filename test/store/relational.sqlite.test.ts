import { openTestStores } from '../support/stores.ts';
import { auditContract } from './audit.contract.ts';
import { auditTrailContract } from './audit-trail.contract.ts';
import { consentStoreContract } from './consents.contract.ts';
import { emailContract } from './email.contract.ts';
import { knownBrowserStoreContract } from './known-browsers.contract.ts';
import { linkStoreContract } from './links.contract.ts';
import { mailContract } from './mail.contract.ts';
import { outboxContract } from './outbox.contract.ts';
import { setupLinkStoreContract } from './setup-links.contract.ts';
import { signingKeyStoreContract } from './signing-keys.contract.ts';

const open = () => openTestStores();

auditContract('SQLite', open);
auditTrailContract('SQLite', open);
consentStoreContract('SQLite', open);
emailContract('SQLite', open);
linkStoreContract('SQLite', open);
mailContract('SQLite', open);
knownBrowserStoreContract('SQLite', open);
outboxContract('SQLite', open);
setupLinkStoreContract('SQLite', open);
signingKeyStoreContract('SQLite', open);
