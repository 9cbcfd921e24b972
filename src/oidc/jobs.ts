import type { Outbox } from '../outbox/outbox.ts';
import type { Handlers } from '../outbox/worker.ts';
import type { LiveKeys } from '../signing/live-keys.ts';
import { createAccess } from './access.ts';
import type { ArtifactStore } from './artifact-store.ts';
import { signLogoutToken } from './logout-tokens.ts';
import type { Registry } from './registry.ts';
import { createSecurityEvents } from './security-events.ts';
import { createSessionEnds } from './session-ends.ts';

export interface JobDeps {
  issuer: string;
  artifacts: ArtifactStore;
  registry: Registry;
  outbox: Outbox;
  keys: LiveKeys;
  fetch: typeof globalThis.fetch;
}

/** What follows from ended accounts, clients and sessions. Each may run again after a crash in its middle. */
export function createJobs({
  issuer,
  artifacts,
  registry,
  outbox,
  keys,
  fetch,
}: JobDeps): Omit<Handlers, 'mail' | 'link-asked'> {
  const sessionEnds = createSessionEnds({ artifacts, registry, outbox });
  const access = createAccess({ artifacts, sessionEnds });
  const securityEvents = createSecurityEvents({ issuer, artifacts, registry, outbox, keys, fetch });
  return {
    async 'end-account'({ accountId, before, news }, id) {
      if (news) await securityEvents.spread(accountId, news, id);
      // First the messages, then the end: after a crash in between, an application is told twice, not never.
      for (const { clientId, sid } of await artifacts.authorizationsOf(accountId, before)) {
        const client = await registry.client(clientId);
        if (client?.settings.backchannelLogoutUri) {
          await outbox.add({ kind: 'backchannel-logout', clientId, accountId, sid });
        }
      }
      await artifacts.endAccount(accountId, before);
    },
    'account-news': ({ accountId, news }, id) => securityEvents.spread(accountId, news, id),
    'security-event': (job, id) => securityEvents.deliver(job, id),
    'end-access': ({ accountId, clientId, before }) => access.end(accountId, clientId, before),
    async 'end-client'({ clientId, before }) {
      await artifacts.endClient(clientId, before);
    },
    async 'backchannel-logout'({ clientId, accountId, sid }) {
      const uri = (await registry.client(clientId))?.settings.backchannelLogoutUri;
      if (!uri) return;
      const logoutToken = await signLogoutToken({ issuer, keys }, { clientId, accountId, sid });
      const { status } = await fetch(uri, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ logout_token: logoutToken }).toString(),
      });
      if (status !== 200 && status !== 204) throw new Error(`${clientId} answered a logout token with ${status}`);
    },
  };
}
