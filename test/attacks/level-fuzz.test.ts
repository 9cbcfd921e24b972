import fc from 'fast-check';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';
import type { Page } from '../support/user-agent.ts';
import { commands, run } from './fuzz-commands.ts';
import { type IdToken, wrongsOf } from './fuzz-invariants.ts';
import { type Application, applicationsOf, newWorld, type World } from './fuzz-world.ts';

/*
 * People with two browsers, four applications and an operator do things in any order, right and wrong, forwards and
 * backwards. Whatever they do: no application is given a token that says more than was proved, or less than is demanded.
 *
 * LEVEL_FUZZ=SEED or SEED:RUNS tries others; LEVEL_FUZZ=SEED:RUNS:PATH repeats one that failed, as the report prints it.
 */

const [seed = 20_261, runs = 16, path] = (process.env['LEVEL_FUZZ'] ?? '')
  .split(':')
  .map((part, index) => (part === '' ? undefined : index === 2 ? part : Number(part))) as [number?, number?, string?];

let server: TestServer;
let applications: Application[];
beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], shouldAdvanceTime: true });
  server = await startTestServer({ TRUSTED_PROXIES: '127.0.0.1,::1', TRUSTED_BROWSER_DAYS: '30' });
  applications = await applicationsOf(server);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  vi.useRealTimers();
});

/** Takes what the browser brings, as the application would. */
async function redeemed(world: World, back: Page): Promise<IdToken | null> {
  const { searchParams } = new URL(back.url);
  const request = world.requests.get(searchParams.get('state') ?? '');
  if (!request) throw new Error(`an answer to nothing: ${back.url}`);
  if (!searchParams.has('code')) return null;
  const { party } = request.application;
  const tokens = await party.redeem(back, request.authorization);
  const token = tokens.claims() as IdToken;
  const wrongs = wrongsOf(world, request, token);
  const { acr, amr, auth_time: authTime } = token;
  if (wrongs.length > 0) throw new Error(`${wrongs.join('; ')}: ${JSON.stringify({ acr, amr, authTime })}`);
  await expect(party.redeem(back, request.authorization)).rejects.toThrow();
  return token;
}

it('no token says more than was proved, nor less than is demanded', { timeout: 240_000 }, async () => {
  const counted: Record<string, number> = {};
  const property = fc.asyncProperty(commands, async (plan) => {
    const world = await newWorld(server, applications);
    for (const command of plan) {
      const back = await run(world, command);
      const token = back && (await redeemed(world, back));
      const name = back
        ? token
          ? String(token.acr).split(':').at(-1)
          : new URL(back.url).searchParams.get('error')
        : null;
      if (name) counted[name] = (counted[name] ?? 0) + 1;
    }
  });
  await fc.assert(property, {
    seed,
    numRuns: runs,
    ...(path && { path }),
    endOnFailure: true,
    interruptAfterTimeLimit: 100_000,
  });
  process.stdout.write(`\nLEVEL_FUZZ=${seed}:${runs} ${JSON.stringify(counted)}\n`);
  // A fuzz that never gets anywhere finds nothing.
  for (const level of ['one-factor', 'two-factor', 'phishing-resistant'])
    expect(counted[level], level).toBeGreaterThan(0);
});
