import type { Clock } from '../lib/clock.ts';
import type { Milliseconds } from '../lib/duration.ts';
import type { AttemptStore } from '../limits/attempt-store.ts';
import type { RateStore } from '../limits/rate-store.ts';
import type { Registry } from '../oidc/registry.ts';
import type { ArtifactRows } from './artifact-rows.ts';
import type { Database } from './prisma/database.ts';
import type { ProgressRows } from './progress.ts';
import type { SealedRows } from './reseal.ts';

export interface PoolUse {
  total: number;
  idle: number;
  /** Who waits for a connection. */
  waiting: number;
}

/** A database, opened and brought up to date, as the stores above it need it. */
export interface Engine {
  /** The names of the migrations that opening it applied. */
  migrated: string[];
  /** By which everything that is kept here is dated, whichever instance writes it. */
  clock: Clock;
  database: Database;
  registry: Registry;
  artifactRows: ArtifactRows;
  /** The artifacts that are kept for long, as sealed values. */
  sealedArtifacts: SealedRows;
  progressRows: ProgressRows;
  attempts: AttemptStore;
  /** Counts of requests, which may be lost. */
  rates: RateStore;
  /** Deletes a batch of what expired before an instant; of several instances one at a time. @returns how many rows went */
  sweep(before: Milliseconds): Promise<number>;
  /** Runs `work`, or does nothing where another instance is at work of that name. Holds a connection for as long. */
  alone(name: string, work: () => Promise<void>): Promise<void>;
  /** How its connections are used; absent where it has no pool. */
  pool?(): PoolUse;
  /**
   * @returns `ok`, or a word for why nothing should be served from it
   * @throws where the database does not answer, or is no longer ours to write to
   */
  check(): Promise<'ok' | 'read-only' | 'clock-differs'>;
  /** Where flows are kept in Redis: of that alone. */
  checkRedis?(): Promise<void>;
  close(): Promise<void>;
}
