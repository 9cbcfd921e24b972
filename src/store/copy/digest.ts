import { createHash } from 'node:crypto';

/** What a table holds, for a comparison. */
export interface Digest {
  rows: number;
  /** SHA-256 of its rows in the order of their keys, hex. */
  sha256: string;
}

export function createDigest() {
  const hash = createHash('sha256');
  let rows = 0;
  return {
    add(row: readonly (string | null)[]): void {
      hash.update(`${JSON.stringify(row)}\n`);
      rows += 1;
    },
    result: (): Digest => ({ rows, sha256: hash.digest('hex') }),
  };
}
