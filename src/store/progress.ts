import type { Clock } from '../lib/clock.ts';
import type { Milliseconds } from '../lib/duration.ts';
import { sha256 } from '../lib/hash.ts';
import { UnknownKey } from '../lib/keyring.ts';
import type { ProgressStore } from '../lib/progress.ts';
import type { Sealer } from '../lib/sealing.ts';

/** What an engine must do: rows that only the reader of their newest version replaces. */
export interface ProgressRows {
  /** Null also for what has expired, swept or not. */
  load(idHash: string, now: Milliseconds): Promise<{ version: number; sealed: Uint8Array } | null>;
  /** Makes version 1, where there is none or it has expired. False where there is one. */
  insert(idHash: string, row: { sealed: Uint8Array; expiresAt: Milliseconds }, now: Milliseconds): Promise<boolean>;
  /** Replaces `version` by the next one. False where that is not the newest, or has expired. */
  update(
    idHash: string,
    version: number,
    row: { sealed: Uint8Array; expiresAt: Milliseconds },
    now: Milliseconds,
  ): Promise<boolean>;
}

/** @param kind keeps the progress of different flows apart */
export function createProgress<T>(
  { rows, sealer, clock }: { rows: ProgressRows; sealer: Sealer; clock: Clock },
  kind: string,
): ProgressStore<T> {
  const place = `progress/${kind}`;
  const hash = (id: string) => sha256(`${kind}/${id}`);

  return {
    async load(id) {
      const idHash = hash(id);
      const row = await rows.load(idHash, clock());
      if (!row) return null;
      try {
        return { value: JSON.parse(sealer.unseal(place, idHash, row.sealed)) as T, version: row.version };
      } catch (err) {
        // Its key was removed, and what was sealed under it was given up with it.
        if (err instanceof UnknownKey) return null;
        throw err;
      }
    },
    async save(id, value, version, expiresAt) {
      const idHash = hash(id);
      const row = { sealed: sealer.seal(place, idHash, JSON.stringify(value)), expiresAt };
      return version === 0 ? rows.insert(idHash, row, clock()) : rows.update(idHash, version, row, clock());
    },
  };
}
