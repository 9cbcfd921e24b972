import { InvalidArgumentError, Option } from 'commander';
import { LONGEST_LIFETIME } from '../api-keys/api-key.ts';
import { MINUTE, type Seconds } from '../lib/duration.ts';
import { lengthOfTime } from './length-of-time.ts';

export type KeyLifetime = Seconds | 'never';

export function expiresOption(description: string): Option {
  return new Option('--expires <time>', description).argParser(parseExpires);
}

function parseExpires(text: string): KeyLifetime {
  if (text === 'never') return text;
  const lifetime = lengthOfTime(text);
  if (lifetime === null || lifetime < MINUTE || lifetime > LONGEST_LIFETIME) {
    throw new InvalidArgumentError('It is never, or a number and s, m, h or d, from 1m to 3650d.');
  }
  return lifetime;
}
