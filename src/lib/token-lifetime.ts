import { DAY, type Seconds } from './duration.ts';

/**
 * The most that any access token may live, whatever the operator sets and an API lays down. What is said of a token is
 * kept for that long: it may have been issued before lifetimes were made shorter.
 */
export const LONGEST_ACCESS_TOKEN: Seconds = DAY;

/** Twice the tolerance for clocks that differ: what lives shorter may be over before it is used. */
export const SHORTEST_API_TOKEN: Seconds = 30;
