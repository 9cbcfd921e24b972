import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Clock } from '../lib/clock.ts';
import type { Seconds } from '../lib/duration.ts';
import type { RequestLimits } from '../limits/request-limits.ts';
import type { AccessTokens } from './access-tokens.ts';
import type { ApiKeys } from './api-keys.ts';
import type { ArtifactStore, Payload } from './artifact-store.ts';
import type { createAuditedEnds } from './audited-ends.ts';
import type { DeviceCodes } from './device-codes.ts';
import type { RefreshTokenIds } from './refresh-tokens.ts';
import type { Registry } from './registry.ts';
import type { ScopeToday } from './scope-today.ts';

export interface AdapterDeps {
  artifacts: ArtifactStore;
  registry: Registry;
  accessTokens: AccessTokens;
  apiKeys: ApiKeys;
  refreshTokenIds: RefreshTokenIds;
  userinfoAudience: string;
  scopeToday: ScopeToday;
  /** Refuses a request that can be mended while what it presents is still unspent. */
  beforeSpending: (ctx: KoaContextWithOIDC, presented: Payload) => Promise<void>;
  deviceCodes: DeviceCodes;
  polls: RequestLimits['polls'];
  ends: ReturnType<typeof createAuditedEnds>;
  sessionLifetime: Seconds;
  clock: Clock;
}
