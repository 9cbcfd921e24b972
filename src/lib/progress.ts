import type { Milliseconds } from './duration.ts';

/** A value that only one of two writers changes: each says which version it had read. */
export interface Versioned<T> {
  value: T;
  version: number;
}

/** What a browser has done so far, kept on the server under the unguessable id that its cookie names. */
export interface ProgressStore<T> {
  load(id: string): Promise<Versioned<T> | null>;
  /**
   * Compare-and-set; version 0 means "nothing there yet".
   * @returns false when another request was faster: nothing was written.
   */
  save(id: string, value: T, version: number, expiresAt: Milliseconds): Promise<boolean>;
}
