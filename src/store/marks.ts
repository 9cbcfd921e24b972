import type { Milliseconds } from '../lib/duration.ts';
import type { Subject } from './artifact-rows.ts';

/** Marks that must outlive a loss of what they speak of: kept by the database, never by a cache. */
export interface Marks {
  /** Atomic: true for exactly one caller, however many race; for none where one of `unless` is marked. */
  markOnce(subject: Subject, until: Milliseconds, unless: readonly Subject[]): Promise<boolean>;
  /** Those of `subjects` that are marked. One statement, however many. */
  marked(subjects: readonly Subject[]): Promise<Set<Subject>>;
}
