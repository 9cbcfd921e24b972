import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';
import Provider, { errors } from 'oidc-provider';
import { looksLikeApiKey } from '../api-keys/format.ts';
import { DAY, type Seconds, toMilliseconds } from '../lib/duration.ts';
import { CLOCK_TOLERANCE } from './access-tokens.ts';
import type { AdapterDeps } from './adapter-deps.ts';
import { keysOf } from './artifact-keys.ts';
import type { Artifact, ArtifactKind, Payload } from './artifact-store.ts';
import { keysAsOf } from './client-key-sets.ts';
import { findClientMetadata } from './client-metadata.ts';
import { isWaiting } from './device-codes.ts';
import { GRACE } from './refresh-tokens.ts';
import { createTokenAdapter } from './token-adapter.ts';
import { createValidity } from './validity.ts';
import { currentVisitor } from './visitor.ts';

/** The most that any lifetime may be set to, and a day. */
const LONGEST_KEPT: Seconds = 401 * DAY;

const SPENT_FOR_TOKENS: readonly string[] = ['AuthorizationCode', 'RefreshToken', 'DeviceCode'];

/** Hands oidc-provider what it keeps, and refuses whatever died in the meantime. */
export function createAdapter(deps: AdapterDeps): AdapterFactory {
  return (model): Adapter => {
    if (model === 'Client') return clientAdapter(deps);
    // Spent by one statement (replays.ts).
    if (model === 'ReplayDetection') return notKept(model);
    if (model === 'AccessToken' || model === 'ClientCredentials') return createTokenAdapter(model, deps);
    return artifactAdapter(model as ArtifactKind, deps);
  };
}

function clientAdapter({ registry, clock }: Pick<AdapterDeps, 'registry' | 'clock'>): Adapter {
  return {
    ...notKept('Client'),
    async find(id) {
      const metadata = await findClientMetadata(registry, id);
      return (metadata?.jwks_uri ? { ...metadata, ...keysAsOf(clock) } : metadata) as AdapterPayload | undefined;
    },
  };
}

function artifactAdapter(kind: ArtifactKind, deps: AdapterDeps): Adapter {
  const { artifacts, refreshTokenIds, deviceCodes, polls, ends, clock } = deps;
  const { isUsable } = createValidity(deps);

  async function usable(artifact: Artifact | null): Promise<AdapterPayload | undefined> {
    return artifact && (await isUsable(kind, artifact)) ? (artifact.payload as AdapterPayload) : undefined;
  }

  /** Either way: where a clock was ahead, the window must not last until the others have caught up. */
  const withinGrace = ({ consumedAt }: Artifact) => consumedAt !== null && Math.abs(clock() - consumedAt) < GRACE;

  async function successorIsUnspent(token: string): Promise<boolean> {
    const successor = await artifacts.get('RefreshToken', refreshTokenIds.successorOf(token));
    return successor === null || successor.consumedAt === null;
  }

  /** A spent token looks unspent while its first answer may have got lost, and absent once that answer was used. */
  async function findRefreshToken(token: string): Promise<AdapterPayload | undefined> {
    const artifact = await artifacts.get('RefreshToken', token);
    if (artifact && Provider.ctx?.oidc.route === 'token' && withinGrace(artifact)) {
      if (!(await successorIsUnspent(token))) return undefined;
      delete artifact.payload['consumed'];
    }
    const found = await usable(artifact);
    return found && Provider.ctx?.oidc.route === 'introspection' ? asOfToday(found) : found;
  }

  async function asOfToday(refreshToken: AdapterPayload): Promise<AdapterPayload | undefined> {
    const { clientId = '', accountId, resource, scope } = refreshToken;
    const issued = { clientId, accountId, audiences: [resource ?? []].flat(), scope };
    const today = await deps.scopeToday.ofRefreshToken(issued);
    return today ? { ...refreshToken, scope: today.scope } : undefined;
  }

  /** RFC 8628 3.5: whoever asks again too soon is told so, for as long as the person has not answered. */
  async function findDeviceCode(id: string): Promise<AdapterPayload | undefined> {
    const found = await usable(await artifacts.get('DeviceCode', id));
    const isPoll = found !== undefined && Provider.ctx?.oidc.route === 'token' && isWaiting(found, clock());
    if (isPoll && (await polls(id))?.over) throw new errors.SlowDown();
    return found;
  }

  async function findAny(id: string): Promise<AdapterPayload | undefined> {
    if (kind === 'DeviceCode') return findDeviceCode(id);
    // Introspection looks for what it is given among all kinds.
    if (kind === 'RefreshToken') return looksLikeApiKey(id) ? undefined : findRefreshToken(id);
    return usable(await artifacts.get(kind, id));
  }

  /** The library looks at `consumed` before it calls this; two requests can both pass that look. */
  async function consume(id: string): Promise<void> {
    if (await artifacts.consume(kind, id)) return;

    if (kind === 'PushedAuthorizationRequest') {
      throw new errors.InvalidRequestUri('request_uri is invalid, expired, or was already used');
    }
    const artifact = await artifacts.get(kind, id);
    if (kind === 'RefreshToken') {
      if (artifact && withinGrace(artifact) && (await successorIsUnspent(id))) return;
      throw new errors.InvalidGrant('refresh token already used');
    }
    // RFC 6749 4.1.2: a code used twice takes the tokens of its first use with it.
    const grantId = artifact?.payload['grantId'];
    if (typeof grantId === 'string') await ends.grant(grantId);
    throw new errors.InvalidGrant(`${kind} already used`);
  }

  return {
    async upsert(id, payload, expiresIn = 0) {
      const keys = keysOf(kind, payload as Payload);
      // Some lifetimes follow from times that a client wrote: no whole numbers perhaps, or beyond all that is kept.
      const lifetime = Math.min(expiresIn + CLOCK_TOLERANCE, LONGEST_KEPT);
      const expiresAt = Math.floor(clock() + toMilliseconds(lifetime));
      // A repeat inside the grace window computes the same successor: the first stays, a spent one is not revived.
      if (kind === 'RefreshToken') {
        await artifacts.putOnce(kind, id, payload as Payload, keys, expiresAt);
        return;
      }
      if (kind === 'DeviceCode') return deviceCodes.keep(id, payload as Payload, keys, expiresAt);
      await artifacts.put(kind, id, kept(kind, payload), keys, expiresAt);
    },
    async find(id) {
      const found = await findAny(id);
      const { ctx } = Provider;
      if (found && ctx?.oidc.route === 'token' && SPENT_FOR_TOKENS.includes(kind)) {
        await deps.beforeSpending(ctx, found as Payload);
      }
      return found && kind === 'Interaction' && isAstray(found) ? undefined : found;
    },
    findByUid: async (uid) => usable(await artifacts.getSessionByUid(uid)),
    findByUserCode: notKept(kind).findByUserCode,
    consume,
    async destroy(id) {
      if (kind === 'Grant') return ends.grant(id);
      if (kind !== 'Session') return artifacts.delete(kind, id);
      // The library destroys a session's old id when it gives it a new one, and the session itself when it ends.
      const isRenamed = (Provider.ctx?.oidc.session as { oldId?: string } | undefined)?.oldId === id;
      if (isRenamed) await artifacts.retireSessionId(id);
      else await ends.session(id);
    },
    // Everything of a grant falls with the grant itself, which the library destroys right after these calls. Where it
    // does not (an access token alone is revoked), the rest of the grant stays.
    async revokeByGrantId() {},
  };
}

/** The library never calls what these stand for; should it ever, that must be noticed. */
function notKept(kind: string): Adapter {
  const refuse = async (): Promise<never> => {
    throw new Error(`${kind} is not kept through the adapter`);
  };
  return {
    upsert: refuse,
    find: refuse,
    findByUid: refuse,
    findByUserCode: refuse,
    consume: refuse,
    destroy: refuse,
    revokeByGrantId: refuse,
  };
}

function kept(kind: ArtifactKind, payload: AdapterPayload): Payload {
  if (kind === 'Interaction') return withoutBearers(payload);
  const visitor = kind === 'Session' ? currentVisitor() : undefined;
  return { ...payload, ...(visitor && { visitor }) };
}

/** One for a device at the address where those for applications go on, or the other way round: the library asks nobody. */
function isAstray({ deviceCode }: AdapterPayload): boolean {
  const route = Provider.ctx?.oidc.route;
  return route === (deviceCode === undefined ? 'device_resume' : 'resume');
}

/** An interaction needs neither the session's id nor the ID token that came with the request. */
function withoutBearers(payload: AdapterPayload): Payload {
  const copy = structuredClone(payload) as Payload;
  for (const part of ['session', 'params'] as const) {
    const { cookie: _cookie, id_token_hint: _hint, ...rest } = (copy[part] ?? {}) as Record<string, unknown>;
    if (copy[part]) copy[part] = rest;
  }
  const prompt = copy['prompt'] as { details?: Record<string, unknown> } | undefined;
  if (prompt?.details) delete prompt.details['id_token_hint'];
  return copy;
}
