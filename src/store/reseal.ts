import { setImmediate as letOthersGo } from 'node:timers/promises';
import type { Keyring } from '../lib/keyring.ts';
import { keyIdOf, type Sealer } from '../lib/sealing.ts';

export interface SealedRow {
  place: string;
  record: string;
  sealed: Uint8Array;
}

/** The rows of one table that hold something sealed, looked at in slices, so that no request waits for long. */
export interface SealedRows {
  /** The next rows by key after `after`, null being the beginning. Of those under `current` the key's id may be all. */
  slice(after: SealedRow | null, limit: number, current: string): Promise<SealedRow[]>;
  /** How many rows there are under each key id. */
  count(): Promise<Map<string, number>>;
  /** False where the row has been written anew or is gone: a concurrent change wins. */
  replace(row: SealedRow, sealed: Uint8Array): Promise<boolean>;
}

export interface Resealing {
  /** How many records there are under each key id, in all places. */
  counts(): Promise<Map<string, number>>;
  /**
   * Seals under the current key whatever is not. May be stopped anywhere, and run twice at once.
   * @param toldHowMany records are done, now and then
   */
  run(options?: { toldHowMany?: (done: number) => void; isStopped?: () => boolean }): Promise<Resealed>;
}

export interface Resealed {
  done: number;
  /** Records that no key opens: damaged, or sealed under a key that is gone. They stay as they are. */
  unreadable: number;
}

const SLICE = 100;

export function createResealing({
  places,
  keyring,
  sealer,
}: {
  places: readonly SealedRows[];
  keyring: Keyring;
  sealer: Sealer;
}): Resealing {
  function sealAnew({ place, record, sealed }: SealedRow): Uint8Array | null {
    try {
      return sealer.seal(place, record, sealer.unseal(place, record, sealed));
    } catch {
      return null;
    }
  }

  return {
    async counts() {
      const all = new Map<string, number>();
      for (const place of places) {
        for (const [keyId, count] of await place.count()) all.set(keyId, (all.get(keyId) ?? 0) + count);
      }
      return all;
    },
    async run({ toldHowMany = () => {}, isStopped = () => false } = {}) {
      const result: Resealed = { done: 0, unreadable: 0 };
      for (const rows of places) {
        let after: SealedRow | null = null;
        for (let full = true; full; ) {
          // A command that runs for long does not watch the file: what was rotated meanwhile may be removed next.
          keyring.look();
          const current = keyring.currentKeyId;
          const slice: SealedRow[] = await rows.slice(after, SLICE, current);
          for (const row of slice.filter(({ sealed }) => keyIdOf(sealed) !== current)) {
            const sealed = sealAnew(row);
            if (sealed) await rows.replace(row, sealed);
            result[sealed ? 'done' : 'unreadable'] += 1;
          }
          toldHowMany(result.done);
          if (isStopped()) return result;
          after = slice.at(-1) ?? null;
          full = slice.length === SLICE;
          await letOthersGo();
        }
      }
      return result;
    },
  };
}
