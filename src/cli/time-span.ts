import { DAY, HOUR, MINUTE, type Seconds } from '../lib/duration.ts';

const UNITS: Record<string, Seconds> = { s: 1, m: MINUTE, h: HOUR, d: DAY };

/** `30m`, `24h`, `7d`, or `0`. Null for what is none. */
export function timeSpan(text: string): Seconds | null {
  const [, amount, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text === '0' ? '0s' : text) ?? [];
  const seconds = Number(amount) * (UNITS[unit] ?? Number.NaN);
  return Number.isNaN(seconds) ? null : seconds;
}
