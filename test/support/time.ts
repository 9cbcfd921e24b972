import { vi } from 'vitest';
import { type Seconds, toMilliseconds } from '../../src/lib/duration.ts';

/** From now on every clock of this process runs ahead: the server's, the library's and the relying party's. */
export function turnClocks(by: Seconds): void {
  if (!vi.isFakeTimers()) vi.useFakeTimers({ toFake: ['Date'], shouldAdvanceTime: true });
  vi.setSystemTime(Date.now() + toMilliseconds(by));
}
