import type { IncomingMessage } from 'node:http';
import type { Context } from 'koa';
import type Provider from 'oidc-provider';
import { isConfidential } from '../clients/client.ts';
import type { RateStanding } from '../lib/rate-standing.ts';
import type { RequestLimits } from '../limits/request-limits.ts';
import { answerTooManyRequests, setRateHeaders, tooManyRequests } from '../web/rate-limit.ts';
import type { RequestState } from '../web/request-log.ts';
import { outcomeOf } from './outcome.ts';
import { keyHashOf, type Presented, presentedClient } from './presented-client.ts';
import type { Registry } from './registry.ts';
import { ROUTES } from './routes.ts';

/** Where clients prove who they are, or are public. */
const OF_CLIENTS: readonly string[] = [
  ...[ROUTES.token, ROUTES.introspection, ROUTES.revocation, ROUTES.pushed_authorization_request],
  ROUTES.device_authorization,
];
const MOST_REMEMBERED = 10_000;

export interface Admitted {
  req: IncomingMessage;
  /** Counts whoever it turned out to be. */
  settle(): void;
}

export interface RequestGuardDeps {
  limits: RequestLimits;
  registry: Registry;
  provider: () => Provider;
  sessionCookie: string;
  /** A request was refused. */
  onRefused: (policy: string) => void;
}

export type RequestGuard = ReturnType<typeof createRequestGuard>;

/** Who asks too much is refused before anything is done for it (safety rule 23). */
export function createRequestGuard({ limits, registry, provider, sessionCookie, onRefused }: RequestGuardDeps) {
  /** Clients that proved themselves to this process. Naming one costs a stranger its failures, and then is refused. */
  const provedClients = new Set<string>();
  /** Sessions that a person was signed in with. */
  const accounts = new Map<string, string>();

  const addressOf = (ctx: Context) => (ctx.state as RequestState).address;
  const unlimited = (req: IncomingMessage): Admitted => ({ req, settle: () => {} });

  function remember(cookie: string, accountId: string): void {
    if (accounts.size >= MOST_REMEMBERED) accounts.clear();
    accounts.set(cookie, accountId);
  }

  async function accountOf(cookie: string | null): Promise<string | null> {
    if (cookie === null) return null;
    const known = accounts.get(cookie) ?? (await provider().Session.find(cookie))?.accountId ?? null;
    if (known !== null) remember(cookie, known);
    return known;
  }

  function refuse(ctx: Context, standing: RateStanding): void {
    onRefused(standing.policy);
    setRateHeaders(ctx, standing);
    if ((ctx.state as RequestState).route === ROUTES.authorization) throw tooManyRequests(standing);
    answerTooManyRequests(ctx, standing);
  }

  /** @returns whether it may go on; null is a count that nobody knows */
  function passes(ctx: Context, standing: RateStanding | null): boolean {
    if (standing?.over) refuse(ctx, standing);
    else if (standing) setRateHeaders(ctx, standing);
    return !standing?.over;
  }

  async function admitPerson(ctx: Context): Promise<Admitted | null> {
    const cookie = ctx.cookies.get(sessionCookie) ?? null;
    const accountId = await accountOf(cookie);
    const address = addressOf(ctx);
    const standing = accountId ? limits.account(accountId) : await limits.address('authorize', address);
    if (!passes(ctx, standing)) return null;
    return {
      req: ctx.req,
      settle() {
        const found = outcomeOf(ctx.res).accountId;
        if (found) limits.countAccount(found);
        // A session that ended since: whoever still has its cookie is anybody.
        else if (cookie && accountId) {
          accounts.delete(cookie);
          void limits.address('authorize', address);
        }
      },
    };
  }

  async function isConfidentialClient(id: string): Promise<boolean> {
    const keyHash = keyHashOf(id);
    if (keyHash !== null) return (await registry.apiKey('keyHash', keyHash)) !== null;
    const client = await registry.client(id);
    return client?.status === 'active' && isConfidential(client.settings);
  }

  async function standingOf(
    use: string,
    clientId: string | null,
    address: string,
  ): Promise<[RateStanding | null, boolean]> {
    const failures = clientId ? limits.failures(clientId, address) : null;
    if (failures?.over) return [failures, false];
    if (clientId && provedClients.has(clientId)) return [limits.client(clientId), false];
    const standing = await limits.address(use, address);
    // An application that this process has not met yet must not wait for what others did behind its address.
    const mayBeProved = standing?.over && clientId && (await isConfidentialClient(clientId));
    return mayBeProved ? [null, true] : [standing, true];
  }

  async function admitClient(ctx: Context, { req, clientId }: Presented): Promise<Admitted | null> {
    const address = addressOf(ctx);
    const [standing, counted] = await standingOf(ctx.path, clientId, address);
    if (!passes(ctx, standing)) return null;
    return {
      req,
      settle() {
        const outcome = outcomeOf(ctx.res);
        const proved = outcome.keyAccepted ? clientId : outcome.clientId;
        if (proved) {
          provedClients.add(proved);
          return limits.countClient(proved);
        }
        if (clientId && outcome.clientRefused) limits.countFailure(clientId, address);
        if (!counted) void limits.address(ctx.path, address);
      },
    };
  }

  return {
    /** @returns null where it was answered already @throws {Refusal} `too_many_attempts` for people */
    async admit(ctx: Context, route: string, req: IncomingMessage): Promise<Admitted | null> {
      if (route === ROUTES.authorization) return admitPerson(ctx);
      if (!OF_CLIENTS.includes(route) || ctx.method !== 'POST') return unlimited(req);
      return admitClient(ctx, await presentedClient(req));
    },
  };
}
