import { expect, it } from 'vitest';
import { createLastUse } from '../../src/api-keys/last-use.ts';
import { MINUTE } from '../../src/lib/duration.ts';
import { testClock } from '../support/clock.ts';

it('writes the last use of each key at most once a minute, and a use never hears that it failed', async () => {
  const clock = testClock();
  const written: string[] = [];
  const failed: string[] = [];
  const markUsed = async (id: string) => {
    written.push(id);
    throw new Error('away');
  };
  const { note } = createLastUse({ store: { markUsed }, clock, onFailed: ({ message }) => void failed.push(message) });
  for (const id of ['one', 'one', 'two', 'one']) expect(note(id)).toBeUndefined();
  expect(written).toEqual(['one', 'two']);
  clock.forward(MINUTE);
  note('one');
  expect(written).toEqual(['one', 'two', 'one']);
  await expect.poll(() => failed).toEqual(['away', 'away', 'away']);
});
