import type { Keyring } from '../lib/keyring.ts';
import type { Resealed, Resealing } from '../store/reseal.ts';
import type { Output } from './output.ts';

/** Seals everything under the current key, and shows how far it is. */
export async function sealAnew(
  { keyring, resealing }: { keyring: Keyring; resealing: Resealing },
  out: Output,
): Promise<Resealed> {
  const { progressBar } = await import('./progress-bar.ts');
  const counts = await resealing.counts();
  const total = [...counts].filter(([id]) => id !== keyring.currentKeyId).reduce((sum, [, count]) => sum + count, 0);

  const bar = progressBar(out, 'Sealing under the current key', total);
  const first = await resealing.run({ toldHowMany: (done) => bar.to(done) });
  bar.done();
  // What an instance whose clock is behind wrote into what had been looked at.
  const second = await resealing.run();
  const { unreadable } = second;
  if (unreadable > 0) {
    out.warn(`${unreadable} records open with no key of the keyring, and stay as they are: see keyring status`);
  }
  return { done: first.done + second.done, unreadable };
}
