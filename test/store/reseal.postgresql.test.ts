import { expect, it, onTestFinished } from 'vitest';
import { alone } from '../../src/store/postgresql/alone.ts';
import { openPool } from '../../src/store/postgresql/pool.ts';
import { ownDatabase } from '../support/stores.ts';
import { resealContract } from './reseal.contract.ts';

resealContract('postgresql');

it('of two instances one does the work; the other may when that is over, also when it failed', async () => {
  const url = await ownDatabase();
  const [one, two] = [openPool({ url, size: 2 }), openPool({ url, size: 2 })];
  onTestFinished(async () => void (await Promise.all([one.end(), two.end()])));
  const done: string[] = [];
  const note = (what: string) => async () => void done.push(what);

  const failing = alone(one, 'work', async () => {
    await alone(two, 'work', note('at the same time'));
    await alone(two, 'other work', note('other'));
    throw new Error('broken off');
  });
  await expect(failing).rejects.toThrow('broken off');
  await alone(two, 'work', note('after'));
  expect(done).toEqual(['other', 'after']);
  expect(one.totalCount).toBe(0);
});
