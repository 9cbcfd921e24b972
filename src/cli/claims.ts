import type { StandardClaims } from '../accounts/account.ts';
import { Failure } from './failure.ts';

type Parse = (text: string) => string | boolean | null;
type Values = Record<string, unknown>;

const LONGEST = 1000;
const words: Parse = (text) => (/^[^\p{Cc}]+$/u.test(text) ? text : null);
const lines: Parse = (text) => (/^[^\p{Cc}]+(\n[^\p{Cc}]+)*$/u.test(text) ? text : null);
const address: Parse = (text) => (/^https?:$/.test(URL.parse(text)?.protocol ?? '') ? text : null);

/** The standard claims (OpenID Connect Core 5.1, 5.1.1) that an operator may set, and what each must look like. */
const CLAIMS: Record<string, [parse: Parse, shape: string]> = {
  name: [words, 'text'],
  given_name: [words, 'text'],
  family_name: [words, 'text'],
  middle_name: [words, 'text'],
  nickname: [words, 'text'],
  preferred_username: [words, 'text'],
  profile: [address, 'a web address'],
  picture: [address, 'a web address'],
  website: [address, 'a web address'],
  gender: [words, 'text'],
  birthdate: [birthdate, 'YYYY-MM-DD, 0000-MM-DD or YYYY'],
  zoneinfo: [(text) => (isZone(text) ? text : null), 'a time zone such as Europe/Paris'],
  locale: [(text) => (isLocale(text) ? text : null), 'a language tag such as fr-FR'],
  phone_number: [(text) => (/^\+\d[\d ().-]{2,30}(;ext=\d{1,10})?$/.test(text) ? text : null), 'like +1 425 555 1212'],
  phone_number_verified: [(text) => ({ true: true, false: false })[text] ?? null, 'true or false'],
  'address.formatted': [lines, 'text'],
  'address.street_address': [lines, 'text'],
  'address.locality': [words, 'text'],
  'address.region': [words, 'text'],
  'address.postal_code': [words, 'text'],
  'address.country': [words, 'text'],
};

const ELSEWHERE: Record<string, string> = {
  sub: 'it is the id of the account and never changes',
  email: 'it is what the person signs in with, and cannot be changed here',
  email_verified: 'use --verified or --unverified',
  updated_at: 'it changes by itself',
  address: 'name a part of it, such as address.locality',
};

export const CLAIM_NAMES = Object.keys(CLAIMS);

/** @throws {Failure} */
export function parseClaim(name: string, text: string): string | boolean {
  const [parse, shape] = rule(name);
  const value = text.length <= LONGEST ? parse(text) : null;
  if (value === null) throw new Failure(`${name} must be ${shape}, not "${text.slice(0, 60)}"`);
  return value;
}

/** @param sets as typed, `name=value` @param unsets names, `address` standing for all of its parts @throws {Failure} */
export function changeClaims(claims: StandardClaims, sets: string[], unsets: string[]): StandardClaims {
  const flat: Values = flatten(claims);
  const named = [...unsets, ...sets.map((set) => set.split('=', 1)[0])];

  for (const name of unsets) {
    if (name !== 'address') rule(name);
    for (const key of Object.keys(flat)) if (key === name || key.startsWith(`${name}.`)) delete flat[key];
  }
  for (const set of sets) {
    const [name = '', ...rest] = set.split('=');
    if (rest.length === 0)
      throw new Failure(`--set takes a claim and a value, as in name="Ada Lovelace", not "${set}"`);
    flat[name] = parseClaim(name, rest.join('='));
  }
  // What was verified is the number there was before.
  const isOtherNumber = flat['phone_number'] !== claims.phone_number;
  if (isOtherNumber && !named.includes('phone_number_verified')) delete flat['phone_number_verified'];
  return unflatten(flat);
}

function rule(name: string): [Parse, string] {
  const found = Object.hasOwn(CLAIMS, name) ? CLAIMS[name] : undefined;
  if (found) return found;
  if (Object.hasOwn(ELSEWHERE, name)) throw new Failure(`${name} is not set like this: ${ELSEWHERE[name]}`);
  throw new Failure(`there is no standard claim ${name}: npx gatewright account update --help lists those there are`);
}

function flatten({ address, ...claims }: StandardClaims): Values {
  const parts = Object.entries(address ?? {}).map(([name, value]) => [`address.${name}`, value]);
  return { ...claims, ...Object.fromEntries(parts) };
}

function unflatten(flat: Values): StandardClaims {
  const isPart = ([name]: [string, unknown]) => name.startsWith('address.');
  const entries = Object.entries(flat);
  const parts = entries.filter(isPart).map(([name, value]) => [name.slice('address.'.length), value]);
  const claims = Object.fromEntries(entries.filter((entry) => !isPart(entry)));
  return parts.length > 0 ? { ...claims, address: Object.fromEntries(parts) } : claims;
}

/** The year may be left out, as 0000; so may the day of the year. */
function birthdate(text: string): string | null {
  const [, year = '', date] = /^(\d{4})(-\d{2}-\d{2})?$/.exec(text) ?? [];
  if (!year || (year === '0000' && !date)) return null;
  if (!date) return text;
  const day = `${year === '0000' ? '2000' : year}${date}`;
  const parsed = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(day) ? text : null;
}

function isZone(text: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: text }));
  } catch {
    return false;
  }
}

function isLocale(text: string): boolean {
  try {
    return Intl.getCanonicalLocales(text).length === 1;
  } catch {
    return false;
  }
}
