import type { StandardClaims } from './account.ts';

/** The claims that people state about themselves (OpenID Connect Core 5.1). Others are proved, or the operator's. */
export const PROFILE_FIELDS = ['name', 'given_name', 'family_name', 'nickname', 'locale', 'zoneinfo'] as const;
export type ProfileField = (typeof PROFILE_FIELDS)[number];

const LONGEST = 100;

export type Profile = Record<ProfileField, string>;

export function profileOf(claims: StandardClaims): Profile {
  return Object.fromEntries(PROFILE_FIELDS.map((field) => [field, claims[field] ?? ''])) as Profile;
}

/** The first field that says nothing that can be. Empty is allowed everywhere. */
export function wrongFieldOf(profile: Profile): ProfileField | null {
  return PROFILE_FIELDS.find((field) => profile[field] !== '' && !isFit(field, profile[field])) ?? null;
}

/** What is left empty is no claim; the claims that are none of the person's business stay. */
export function withProfile(claims: StandardClaims, profile: Profile): StandardClaims {
  const { name: _1, given_name: _2, family_name: _3, nickname: _4, locale: _5, zoneinfo: _6, ...others } = claims;
  return { ...others, ...Object.fromEntries(Object.entries(profile).filter(([, text]) => text !== '')) };
}

function isFit(field: ProfileField, text: string): boolean {
  // Control characters, and those that turn the direction of what stands beside them.
  if (text.length > LONGEST || /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u.test(text)) return false;
  if (field === 'locale') return isLocale(text);
  return field !== 'zoneinfo' || isZone(text);
}

/** BCP 47 */
function isLocale(text: string): boolean {
  try {
    return Intl.getCanonicalLocales(text).length === 1;
  } catch {
    return false;
  }
}

/** A name of the IANA time zone database, never a mere difference. */
function isZone(text: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
    return /^[A-Za-z]/.test(text);
  } catch {
    return false;
  }
}
