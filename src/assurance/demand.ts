import { type Level, levelOfAcr, strongest } from './level.ts';

/** Who must prove a second factor, whatever a client asks for. */
export type SecondFactorPolicy = 'optional' | 'administrators' | 'everyone';

export interface Demand {
  policy: SecondFactorPolicy;
  /** Null while it is not known who signs in. */
  role: 'user' | 'administrator' | null;
  /** What the client is registered with: the person can edit what the request says, but not this. */
  client: Level;
  requested: Level;
}

/** The level that this sign-in must reach: the strongest that anybody demands. */
export function demandedLevel({ policy, role, client, requested }: Demand): Level {
  const byPolicy = policy === 'everyone' || (policy === 'administrators' && role === 'administrator');
  return strongest([byPolicy ? 'two-factor' : 'one-factor', client, requested]);
}

/** Whether nobody enters an account of this role by its password alone, whatever application asks. */
export function isSecondFactorEnforced(policy: SecondFactorPolicy, role: 'user' | 'administrator'): boolean {
  return demandedLevel({ policy, role, client: 'one-factor', requested: 'one-factor' }) === 'two-factor';
}

/** Parameters of an authorization request that ask for a level. */
export interface AcrRequest {
  acrValues: string | undefined;
  /** The `claims` parameter, as JSON (OpenID Connect Core 5.5). */
  claims: string | undefined;
}

/**
 * What a request asks for: the weakest of the levels that would satisfy it (they are alternatives). Values of other
 * servers count for nothing where they are voluntary, and cannot be met where they are essential (5.5.1.1).
 */
export function requestedLevel({ acrValues, claims }: AcrRequest): Level | 'unmet' {
  const essential = essentialAcr(claims);
  if (essential.length > 0) return weakest(essential) ?? 'unmet';
  return weakest(acrValues?.split(' ') ?? []) ?? 'one-factor';
}

function weakest(acrs: string[]): Level | null {
  const levels = acrs.map(levelOfAcr).filter((level) => level !== null);
  return levels.length === 0 ? null : levels.includes('one-factor') ? 'one-factor' : 'two-factor';
}

function essentialAcr(claims: string | undefined): string[] {
  if (!claims) return [];
  const parsed = JSON.parse(claims) as {
    id_token?: { acr?: { essential?: boolean; value?: string; values?: string[] } | null };
  };
  const acr = parsed.id_token?.acr;
  if (!acr?.essential) return [];
  return [...(acr.values ?? []), ...(acr.value ? [acr.value] : [])];
}
