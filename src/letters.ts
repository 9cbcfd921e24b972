import type { Config } from './config/config.ts';
import type { Keyring } from './lib/keyring.ts';
import type { Logger } from './lib/log.ts';
import { createSealer } from './lib/sealing.ts';
import { createMailJobs } from './mail/jobs.ts';
import { MAIL_IS_OFF, openMailer } from './mail/open.ts';
import { createMailViews } from './web/mail-views.ts';

/** What the queue does with mail, and how the connection for it is closed. */
export function openLetters(config: Config, { views, keyring, log }: { views: string; keyring: Keyring; log: Logger }) {
  const { issuer, siteName, folders } = config;
  const mailer = openMailer(config, log);
  if (mailer === null) log.warn(MAIL_IS_OFF);
  return {
    jobs: createMailJobs({
      ...{ mailer, sealer: createSealer(keyring) },
      render: createMailViews({ folder: views, overrideFolder: folders.viewsOverride ?? undefined, siteName, issuer }),
    }),
    close: () => mailer?.close(),
  };
}
