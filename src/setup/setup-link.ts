import type { By } from '../lib/by.ts';
import type { Clock } from '../lib/clock.ts';
import { HOUR, toMilliseconds } from '../lib/duration.ts';
import { sha256 } from '../lib/hash.ts';
import { newSecret } from '../lib/ids.ts';
import type { SetupLinkStore } from './store.ts';

const LIFETIME = HOUR;

/** Makes the address under which the first administrator is created, once, within the hour. Older ones end. */
export async function makeSetupLink(
  { links, issuer, clock }: { links: SetupLinkStore; issuer: string; clock: Clock },
  by: By,
): Promise<string> {
  const token = newSecret('gwl');
  await links.replace(sha256(token), clock() + toMilliseconds(LIFETIME), by);
  return `${issuer}/setup/${token}`;
}
