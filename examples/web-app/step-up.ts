import type { ApiAnswer } from './pages.ts';
import type { Wishes } from './relying-party.ts';

const LONGEST = 500; // characters

/** What the API wants of the person's sign-in before it does this (RFC 9470 3). Null where it said anything else. */
export function stepUpOf({ status, challenge }: ApiAnswer): Wishes | null {
  if (status !== 401 || challenge === null) return null;
  const said = new Map([...challenge.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => [name, value]));
  if (said.get('error') !== 'insufficient_user_authentication') return null;

  const [acrValues = '', maxAge = ''] = [said.get('acr_values'), said.get('max_age')];
  const wishes: Wishes = {
    ...(acrValues && acrValues.length <= LONGEST && { acr_values: acrValues }),
    ...(/^\d{1,9}$/.test(maxAge) && { max_age: Number(maxAge) }),
  };
  // Without either, the same sign-in would come back.
  return Object.keys(wishes).length > 0 ? wishes : null;
}
