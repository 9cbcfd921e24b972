import type { X509Certificate } from 'node:crypto';
import type { Milliseconds } from '../lib/duration.ts';

/** RFC 5280 4.1.2.5: both ends belong to it. */
export function isValidAt({ validFromDate, validToDate }: X509Certificate, instant: Milliseconds): boolean {
  return validFromDate.getTime() <= instant && instant <= validToDate.getTime();
}
