import { signingKeyRetention } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import type { SigningKeys } from '../signing/signing-keys.ts';
import type { Opened } from './stores.ts';

export async function openSigning({ config, stores }: Opened, clock: Clock): Promise<SigningKeys> {
  const { createSigningKeys } = await import('../signing/signing-keys.ts');
  return createSigningKeys({
    ...{ store: stores.signingKeys, clock, jwksCache: config.lifetimes.jwksCache },
    ...{ age: config.signingKeyAge, retention: signingKeyRetention(config) },
  });
}
