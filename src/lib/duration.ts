/** Durations are whole seconds; only timers and instants are milliseconds. */
export type Seconds = number;
export type Milliseconds = number;

export const MINUTE: Seconds = 60;
export const HOUR: Seconds = 60 * MINUTE;
export const DAY: Seconds = 24 * HOUR;

export function toMilliseconds(seconds: Seconds): Milliseconds {
  return seconds * 1000;
}
