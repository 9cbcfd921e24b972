import type { Clock } from '../lib/clock.ts';
import { type Milliseconds, type Seconds, toMilliseconds } from '../lib/duration.ts';
import type { Artifact, ArtifactKind, Payload } from './artifact-store.ts';
import { mayUse } from './listed.ts';
import type { RegisteredClient, Registry, Standing } from './registry.ts';

/** Whether what was made at `bornAt` may still be used by its owner. */
export function stands(standing: Standing | null, bornAt: Milliseconds): boolean {
  return standing?.active === true && bornAt > standing.notBefore;
}

export interface ValidityDeps {
  registry: Registry;
  sessionLifetime: Seconds;
  clock: Clock;
}

/**
 * A disabled, deleted or signed-out account, and a disabled or deleted client, take everything with them at once, and so
 * does an account that may not use a client any more: the look is at every find, and deleting the rows is only tidying up.
 */
export function createValidity({ registry, sessionLifetime, clock }: ValidityDeps) {
  async function standingClient(clientId: string, bornAt: Milliseconds): Promise<RegisteredClient | null> {
    const client = await registry.client(clientId);
    const standing = client && { active: client.status === 'active', notBefore: client.notBefore };
    return stands(standing, bornAt) ? client : null;
  }

  return {
    clientStands: async (clientId: string, bornAt: Milliseconds) => (await standingClient(clientId, bornAt)) !== null,
    async isUsable(kind: ArtifactKind, { payload, bornAt }: Artifact): Promise<boolean> {
      const { accountId, clientId } = payload;
      if (kind === 'Session' && isTooOld(payload)) return false;
      // A login that waits to be resumed is as old as what it rests on, not as the session that it would begin.
      const login = kind === 'Interaction' ? waitingLogin(payload) : null;
      if (login && !stands(await registry.account(login.accountId), login.provedAt)) return false;
      // A device code is older than what it was allowed with: that is the grant in it, which is looked at by itself.
      const since = kind === 'DeviceCode' ? Number.POSITIVE_INFINITY : bornAt;
      if (typeof accountId === 'string' && !stands(await registry.account(accountId), since)) return false;
      if (typeof clientId !== 'string') return true;
      const client = await standingClient(clientId, bornAt);
      return client !== null && (typeof accountId !== 'string' || mayUse(registry, client, accountId));
    },
  };

  /** The end that no use puts off. The library's own expiry moves with each use, and never goes to zero. */
  function isTooOld({ loginTs }: Payload): boolean {
    return typeof loginTs === 'number' && clock() >= toMilliseconds(loginTs + sessionLifetime);
  }
}

/** The result of a sign-in as the library keeps it; `provedAt` is ours (src/oidc/interactions.ts). */
export interface WaitingLogin {
  accountId: string;
  provedAt: Milliseconds;
}

function waitingLogin({ result, lastSubmission }: Payload): WaitingLogin | null {
  const [login] = [result, lastSubmission]
    .map((part) => (part as { login?: WaitingLogin } | undefined)?.login)
    .filter(Boolean);
  return login ?? null;
}
