import { type Milliseconds, type Seconds, toMilliseconds } from '../lib/duration.ts';

/**
 * How strongly a person has proved who they are, weakest first.
 * - `one-factor`: a password
 * - `trusted-browser`: a password, in a browser in which two factors were proved not long ago
 * - `two-factor`: a password and a second factor, of whatever kind
 * - `phishing-resistant`: a passkey that verified its user, or a password and a passkey
 */
export const LEVELS = ['one-factor', 'trusted-browser', 'two-factor', 'phishing-resistant'] as const;
export type Level = (typeof LEVELS)[number];

/** What proves: a password, a time-based code, a recovery code in its place, a passkey, a browser that is trusted. */
export type Method = 'pwd' | 'otp' | 'recovery' | 'passkey' | 'browser';

export interface Proof {
  method: Method;
  at: Milliseconds;
  /** Of a passkey. */
  passkey?: PasskeyProof;
  /** Proved before this flow, in the session that it starts from. */
  inherited?: true;
}

export interface PasskeyProof {
  /** Its key can be copied to other devices of its owner. */
  synced: boolean;
  /** It asked for a PIN, a finger or a face (WebAuthn Level 3, 6.1, UV): by itself it proves two factors. */
  userVerified: boolean;
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

/** Null where there are none. */
export function weakest(levels: readonly Level[]): Level | null {
  return LEVELS.find((level) => levels.includes(level)) ?? null;
}

/** Null where nothing is proved: a second factor alone says nothing. */
export function levelOf(proofs: readonly Proof[]): Level | null {
  const has = (method: Method) => proofs.some((proof) => proof.method === method);
  if (proofs.some(({ passkey }) => passkey?.userVerified)) return 'phishing-resistant';
  if (!has('pwd')) return null;
  if (has('passkey')) return 'phishing-resistant';
  if (has('otp') || has('recovery')) return 'two-factor';
  return has('browser') ? 'trusted-browser' : 'one-factor';
}

/** What was proved in this flow: all that a change of the account may rest on. */
export function provedHere(proofs: readonly Proof[]): Proof[] {
  return proofs.filter(({ inherited }) => !inherited);
}

/**
 * RFC 8176. A recovery code has no name of its own there: it counts towards `mfa` and is not called `otp`. A trusted
 * browser has none either, and counts towards nothing: `acr` alone tells of it.
 */
export function amrOf(proofs: readonly Proof[]): string[] {
  const methods = new Set(proofs.map(({ method }) => method));
  const synced = new Set(proofs.flatMap(({ passkey }) => (passkey ? [passkey.synced] : [])));
  const amr: string[] = [];
  if (methods.has('pwd')) amr.push('pwd');
  if (methods.has('otp')) amr.push('otp');
  if (synced.has(false)) amr.push('hwk');
  if (synced.has(true)) amr.push('swk');
  if (methods.has('passkey')) amr.push('user');
  if (isAtLeast(levelOf(proofs), 'two-factor')) amr.push('mfa');
  return amr;
}

/**
 * The proofs behind an earlier `amr` and `acr`, all as old as the oldest of them. Its time is known to the second: they
 * count from the end of it, since whether they count at all is the session's to say, which knows it better.
 */
export function proofsFrom(amr: readonly string[], acr: string | undefined, authTime: Seconds): Proof[] {
  const at = toMilliseconds(authTime + 1) - 1;
  const has = (name: string) => amr.includes(name);
  const inherited = true as const;
  const proofs: Proof[] = [];
  if (has('pwd')) proofs.push({ method: 'pwd', at, inherited });
  if (has('otp')) proofs.push({ method: 'otp', at, inherited });
  for (const synced of [false, true]) {
    // Where there was no password, it proved two factors by itself, or there would have been no session.
    const passkey = { synced, userVerified: !has('pwd') };
    if (has(synced ? 'swk' : 'hwk')) proofs.push({ method: 'passkey', at, passkey, inherited });
  }
  const second = has('otp') || has('hwk') || has('swk');
  if (has('mfa') && !second) proofs.push({ method: 'recovery', at, inherited });
  if (acr === acrOf('trusted-browser')) proofs.push({ method: 'browser', at, inherited });
  return proofs;
}

/** `auth_time`: the oldest proof that the level rests on, so that a fresh code does not make an old password young. */
export function authTimeOf(proofs: readonly Proof[]): Seconds {
  return Math.floor(oldestOf(proofs) / 1000);
}

export function oldestOf(proofs: readonly Proof[]): Milliseconds {
  return Math.min(...proofs.map(({ at }) => at));
}
