import type { LevelPolicy } from '../assurance/demand.ts';
import { DAY } from '../lib/duration.ts';
import type { envReader } from './env.ts';

/** What the operator demands of everybody: docs/levels.md has a sentence for each. */
export function readLevels(read: ReturnType<typeof envReader>): LevelPolicy {
  const trustedDays = read.int('TRUSTED_BROWSER_DAYS', 0, { min: 0, max: 90 });
  const levels: LevelPolicy = {
    secondFactor: read.oneOf('SECOND_FACTOR', ['optional', 'administrators', 'everyone'], 'administrators'),
    phishingResistant: read.oneOf('PHISHING_RESISTANT', ['nobody', 'administrators', 'everyone'], 'nobody'),
    trustedBrowser: trustedDays === 0 ? null : trustedDays * DAY,
    enrolmentGrace: read.int('ENROLMENT_GRACE_DAYS', 0, { min: 0, max: 90 }) * DAY,
    passkeys: read.oneOf('PASSKEYS', ['on', 'off'], 'on') === 'on',
  };
  read.check(
    levels.passkeys || levels.phishingResistant === 'nobody',
    'PHISHING_RESISTANT asks for passkeys, which PASSKEYS=off does not offer: set one of the two otherwise',
  );
  return levels;
}
