import { DAY, HOUR, MINUTE, type Seconds } from '../lib/duration.ts';

const UNITS: Record<string, Seconds> = { s: 1, m: MINUTE, h: HOUR, d: DAY };

/** As people write it: `30s`, `10m`, `12h`, `400d`. Null where it is none. */
export function lengthOfTime(text: string): Seconds | null {
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  return count === undefined ? null : Number(count) * (UNITS[unit] ?? 0);
}
