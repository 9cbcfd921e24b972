import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { HOUR, toMilliseconds } from '../../src/lib/duration.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { turnClocks } from '../support/time.ts';
import { again, enter, visit } from '../support/visit.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ SECOND_FACTOR: 'optional' });
});
afterAll(() => server[Symbol.asyncDispose]());
afterEach(() => void vi.useRealTimers());

/** How far the clock by which the stores date is from this process's. */
const apart = () => Math.abs(server.app.stores.clock() - Date.now());
/** What a server does every minute, and whenever it is asked whether it is ready. */
const work = async () => {
  await server.app.stores.sweep(Date.now());
  return server.app.stores.check();
};

it('a server that is at work while a test turns the clocks stays at that time', async () => {
  const person = await visit(server);
  const before = (await enter(person)).claims();
  turnClocks(HOUR);
  expect(await work()).toBe('ok');
  expect(apart()).toBeLessThan(toMilliseconds(1));

  const after = (await enter(person, { prompt: 'login' })).claims();
  expect((after?.auth_time ?? 0) - (before?.auth_time ?? 0)).toBeGreaterThanOrEqual(HOUR);
  expect(await work()).toBe('ok');
  expect((await again(person, { prompt: 'none' })).claims()?.auth_time).toBe(after?.auth_time);
});

it('and goes back with them', async () => {
  turnClocks(HOUR);
  await work();
  vi.useRealTimers();
  expect(apart()).toBeLessThan(toMilliseconds(1));
  expect(await work()).toBe('ok');
  expect(apart()).toBeLessThan(toMilliseconds(1));
});
