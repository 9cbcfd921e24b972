import { type Milliseconds, type Seconds, toMilliseconds } from '../lib/duration.ts';
import { isAtLeast, LEVELS, type Level, levelOfAcr, strongest, weakest } from './level.ts';

/** Who must prove a second factor, whatever a client asks for. */
export type SecondFactorPolicy = 'optional' | 'administrators' | 'everyone';

/** What the operator demands of everybody. Each field is a sentence of docs/levels.md. */
export interface LevelPolicy {
  secondFactor: SecondFactorPolicy;
  /** Who must sign in by passkey, whatever a client asks for. */
  phishingResistant: 'nobody' | 'administrators' | 'everyone';
  /** For how long a browser may stand in for the second factor that this policy demands of a user; null: never. */
  trustedBrowser: Seconds | null;
  /** How long a person who is asked for a factor the first time may go on without; 0: not at all. */
  enrolmentGrace: Seconds;
  /** Passkeys are offered. Without them nothing is phishing-resistant. */
  passkeys: boolean;
}

/** What a demand depends on of an account. */
export interface DemandedOf {
  role: 'user' | 'administrator';
  /** By its operator, or by a recovery. */
  demandedLevel: Level | null;
  /** Until then it may lack what the policy demands. */
  enrolmentDueAt: Milliseconds | null;
  hasTotp: boolean;
  hasPasskey: boolean;
}

export interface Demand {
  policy: LevelPolicy;
  /** Null while it is not known who signs in. */
  account: DemandedOf | null;
  /** What the client is registered with: the person can edit what the request says, but not this. */
  client: Level;
  requested: Level;
}

/** The level that this sign-in must reach: the strongest that anybody demands. */
export function demandedLevel(demand: Demand, now: Milliseconds): Level {
  const { policy, account } = demand;
  const byPolicy = policyLevel(policy, account?.role ?? null);
  const others = demandedByOthers(demand);
  return account !== null && isInGrace(policy, account, byPolicy, now) ? others : strongest([byPolicy, others]);
}

/**
 * What the policy alone demands of an account that lacks it, as long as that can be put off, and until when. Null where
 * there is nothing of the kind.
 */
export function postponable(demand: Demand, now: Milliseconds): { level: Level; until: Milliseconds } | null {
  const { policy, account } = demand;
  if (account === null || policy.enrolmentGrace === 0) return null;
  const level = policyLevel(policy, account.role);
  if (!lacks(account, level) || isAtLeast(demandedByOthers(demand), level)) return null;
  if (account.enrolmentDueAt === null) return { level, until: now + toMilliseconds(policy.enrolmentGrace) };
  return now < account.enrolmentDueAt ? { level, until: account.enrolmentDueAt } : null;
}

function demandedByOthers({ account, client, requested }: Demand): Level {
  return strongest([account?.demandedLevel ?? 'one-factor', client, requested]);
}

/** Whoever has what is demanded has nothing to put off: it is asked for. */
function isInGrace(policy: LevelPolicy, account: DemandedOf, level: Level, now: Milliseconds): boolean {
  const { enrolmentDueAt } = account;
  return policy.enrolmentGrace > 0 && lacks(account, level) && enrolmentDueAt !== null && now < enrolmentDueAt;
}

function lacks({ hasTotp, hasPasskey }: DemandedOf, level: Level): boolean {
  if (level === 'one-factor' || hasPasskey) return false;
  return level === 'phishing-resistant' || !hasTotp;
}

/** What the policy alone demands. Of an administrator every proof is asked each time. */
export function policyLevel(policy: LevelPolicy, role: 'user' | 'administrator' | null): Level {
  const demands = (who: string) => who === 'everyone' || (who === 'administrators' && role === 'administrator');
  if (demands(policy.phishingResistant)) return 'phishing-resistant';
  if (!demands(policy.secondFactor)) return 'one-factor';
  return policy.trustedBrowser !== null && role !== 'administrator' ? 'trusted-browser' : 'two-factor';
}

/** Whether nobody enters an account of this role by its password alone, whatever application asks. */
export function isSecondFactorEnforced(policy: LevelPolicy, role: 'user' | 'administrator'): boolean {
  return policy.enrolmentGrace === 0 && policyLevel(policy, role) !== 'one-factor';
}

/** The levels that can be reached here. */
export function offeredLevels(policy: Pick<LevelPolicy, 'passkeys' | 'trustedBrowser'>): Level[] {
  const missing: Level[] = [
    ...(policy.passkeys ? [] : (['phishing-resistant'] as const)),
    ...(policy.trustedBrowser === null ? (['trusted-browser'] as const) : []),
  ];
  return LEVELS.filter((level) => !missing.includes(level));
}

/** Parameters of an authorization request that ask for a level. */
export interface AcrRequest {
  acrValues: string | undefined;
  /** The `claims` parameter, as JSON (OpenID Connect Core 5.5). */
  claims: string | undefined;
}

/**
 * What a request asks for: the weakest of the levels that would satisfy it (they are alternatives). Values of other
 * servers, and levels that are out of reach here, count for nothing where they are voluntary, and cannot be met where
 * they are essential (5.5.1.1).
 */
export function requestedLevel({ acrValues, claims }: AcrRequest, offered: readonly Level[]): Level | 'unmet' {
  const weakestOf = (acrs: string[]) =>
    weakest(acrs.map(levelOfAcr).filter((level) => level !== null && isWithin(level, offered)) as Level[]);
  const essential = essentialAcr(claims);
  if (essential.length > 0) return weakestOf(essential) ?? 'unmet';
  return weakestOf(acrValues?.split(' ') ?? []) ?? 'one-factor';
}

/** Whether something that is offered satisfies it. */
export function isWithin(level: Level, offered: readonly Level[]): boolean {
  return offered.some((other) => isAtLeast(other, level));
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
