import { type Milliseconds, type Seconds, toMilliseconds } from '../lib/duration.ts';

/** How strongly a person has proved who they are, weakest first. */
export const LEVELS = ['one-factor', 'two-factor'] as const;
export type Level = (typeof LEVELS)[number];

/** What proves: a password, a time-based code, a recovery code in its place. */
export type Method = 'pwd' | 'otp' | 'recovery';

export interface Proof {
  method: Method;
  at: Milliseconds;
}

/** The `acr` values of this server (OpenID Connect Core 2). They are listed in discovery. */
export function acrOf(level: Level): string {
  return `urn:gatewright:acr:${level}`;
}

export function levelOfAcr(acr: string | undefined): Level | null {
  return LEVELS.find((level) => acrOf(level) === acr) ?? null;
}

export function isAtLeast(level: Level | null, demanded: Level): boolean {
  return level !== null && LEVELS.indexOf(level) >= LEVELS.indexOf(demanded);
}

export function strongest(levels: readonly Level[]): Level {
  return levels.reduce((best, level) => (isAtLeast(level, best) ? level : best), LEVELS[0]);
}

/** Null where nothing is proved: a second factor alone says nothing. */
export function levelOf(proofs: readonly Proof[]): Level | null {
  const methods = new Set(proofs.map(({ method }) => method));
  if (!methods.has('pwd')) return null;
  return methods.has('otp') || methods.has('recovery') ? 'two-factor' : 'one-factor';
}

/** RFC 8176. A recovery code has no name of its own there: it counts towards `mfa` and is not called `otp`. */
export function amrOf(proofs: readonly Proof[]): string[] {
  const methods = new Set(proofs.map(({ method }) => method));
  const amr: string[] = [];
  if (methods.has('pwd')) amr.push('pwd');
  if (methods.has('otp')) amr.push('otp');
  if (levelOf(proofs) === 'two-factor') amr.push('mfa');
  return amr;
}

/**
 * The proofs behind an earlier `amr`, all as old as the oldest of them. Its time is known to the second: they count from
 * the end of it, since whether they count at all is the session's to say, which knows it better.
 */
export function proofsFrom(amr: readonly string[], authTime: Seconds): Proof[] {
  const at = toMilliseconds(authTime + 1) - 1;
  const proofs: Proof[] = [];
  if (amr.includes('pwd')) proofs.push({ method: 'pwd', at });
  if (amr.includes('otp')) proofs.push({ method: 'otp', at });
  else if (amr.includes('mfa')) proofs.push({ method: 'recovery', at });
  return proofs;
}

/** `auth_time`: the oldest proof that the level rests on, so that a fresh code does not make an old password young. */
export function authTimeOf(proofs: readonly Proof[]): Seconds {
  return Math.floor(oldestOf(proofs) / 1000);
}

export function oldestOf(proofs: readonly Proof[]): Milliseconds {
  return Math.min(...proofs.map(({ at }) => at));
}
