// Waits until as many programs as told have come to the same folder, so that they race from there on.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export function meet(folder: string, me: number, count: number): void {
  writeFileSync(join(folder, `ready-${me}`), '');
  for (let other = 0; other < count; other += 1) {
    while (!existsSync(join(folder, `ready-${other}`))) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
}
