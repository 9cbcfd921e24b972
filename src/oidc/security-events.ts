import { SignJWT } from 'jose';
import type { Milliseconds } from '../lib/duration.ts';
import { Hopeless, type NewJob, type Outbox, type SecurityEventJob } from '../outbox/outbox.ts';
import type { AccountNews, SecurityEvent } from '../outbox/security-event.ts';
import type { LiveKeys } from '../signing/live-keys.ts';
import type { ArtifactStore } from './artifact-store.ts';
import type { Registry } from './registry.ts';

export interface SecurityEventDeps {
  issuer: string;
  artifacts: Pick<ArtifactStore, 'authorizationsOf' | 'listOf'>;
  registry: Pick<Registry, 'client'>;
  outbox: Pick<Outbox, 'add'>;
  keys: LiveKeys;
  fetch: typeof globalThis.fetch;
}

const CAEP = 'https://schemas.openid.net/secevent/caep/event-type';
const RISC = 'https://schemas.openid.net/secevent/risc/event-type';

/** Tells applications what happens to the accounts that they know (RFC 8417, pushed as RFC 8935 says). */
export function createSecurityEvents({ issuer, artifacts, registry, outbox, keys, fetch }: SecurityEventDeps) {
  /** Those that the person is signed in to, or that hold tokens, or a consent. */
  async function knowers(accountId: string, { consented, at }: AccountNews): Promise<Set<string>> {
    const signedIn = await artifacts.authorizationsOf(accountId, at);
    const grants = (await artifacts.listOf('Grant', accountId)).filter(({ bornAt }) => bornAt <= at);
    return new Set([
      ...consented,
      ...signedIn.map(({ clientId }) => clientId),
      ...grants.map(({ payload }) => String(payload['clientId'])),
    ]);
  }

  async function receiver(clientId: string): Promise<string | null> {
    const client = await registry.client(clientId);
    return client?.status === 'active' ? client.settings.securityEventsUri : null;
  }

  async function sign(job: SecurityEventJob, jti: string): Promise<string> {
    const { clientId, accountId, event, at, txn } = job;
    const set = keys.current();
    const active = set.canSign && set.keys[0];
    if (!active) throw new Error('there is no active signing key');
    // No `sub` and no `exp`: it must not pass for a token (RFC 8417 4.5, 4.6).
    return new SignJWT({
      ...{ txn, sub_id: { format: 'iss_sub', iss: issuer, sub: accountId } },
      events: { [typeOf(event)]: contentOf(event, at) },
    })
      .setProtectedHeader({ alg: 'RS256', kid: active.kid, typ: 'secevent+jwt' })
      .setIssuer(issuer)
      .setAudience(clientId)
      .setIssuedAt(toSeconds(at))
      .setJti(jti)
      .sign(active.privateKey);
  }

  return {
    /** One job for each application and event. After a crash in its middle, some are told twice. */
    async spread(accountId: string, news: AccountNews, txn: string): Promise<void> {
      for (const clientId of await knowers(accountId, news)) {
        if ((await receiver(clientId)) === null) continue;
        for (const event of news.events) {
          await outbox.add({ kind: 'security-event', clientId, accountId, event, at: news.at, txn } satisfies NewJob);
        }
      }
    },
    /** @param id stays the same for as long as it is tried: the receiver knows by it what it has already */
    async deliver(job: SecurityEventJob, id: string): Promise<void> {
      const uri = await receiver(job.clientId);
      if (uri === null) return;
      const response = await fetch(uri, {
        method: 'POST',
        headers: { 'content-type': 'application/secevent+jwt', accept: 'application/json' },
        body: await sign(job, id),
      });
      const { status } = response;
      if (status === 202) return;
      const problem = `${job.clientId} answered a security event with ${status}`;
      const err = status === 400 ? await errorIn(response) : null;
      if (err !== null) throw new Hopeless(`${problem} ${err}`);
      throw new Error(problem);
    },
  };
}

/** NumericDate (RFC 7519 2). */
const toSeconds = (at: Milliseconds) => Math.floor(at / 1000);

function typeOf({ type }: SecurityEvent): string {
  return `${type === 'session-revoked' || type === 'credential-change' ? CAEP : RISC}/${type}`;
}

function contentOf(event: SecurityEvent, at: Milliseconds): Record<string, unknown> {
  if (event.type !== 'session-revoked' && event.type !== 'credential-change') return {};
  const { type, initiator } = event;
  return {
    ...(type === 'credential-change' && { credential_type: event.credential, change_type: event.change }),
    ...{ event_timestamp: toSeconds(at), initiating_entity: initiator },
  };
}

/** RFC 8935 2.3: an error code says that the event is not wanted, however often it comes. Null where there is none. */
async function errorIn(response: Response): Promise<string | null> {
  const body: unknown = await response.json().catch(() => null);
  const err = typeof body === 'object' && body !== null && 'err' in body ? body.err : null;
  return typeof err === 'string' && /^[\w.-]{1,60}$/.test(err) ? err : null;
}
