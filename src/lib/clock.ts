import type { Milliseconds } from './duration.ts';

/** The only source of "now", in milliseconds since the epoch. Tests pass one they can turn. */
export type Clock = () => Milliseconds;

export const systemClock: Clock = () => Date.now();
