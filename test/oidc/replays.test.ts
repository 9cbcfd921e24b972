import Provider, { errors } from 'oidc-provider';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DAY, MINUTE } from '../../src/lib/duration.ts';
import { createReplays, type Replays } from '../../src/oidc/replays.ts';
import { sweepBatch } from '../../src/store/sqlite/sweep.ts';
import { openTestState } from '../support/stores.ts';

let state: ReturnType<typeof openTestState>;
let replays: Replays;
const request = {};
beforeEach(() => {
  state = openTestState();
  replays = createReplays(state);
  vi.spyOn(Provider, 'ctx', 'get').mockReturnValue(request as never);
});
afterEach(() => vi.restoreAllMocks());

const inSeconds = (seconds: number) => state.clock() / 1000 + seconds;

/** As the library does within one request: the check of the assertion, and at once the question whether it is new. */
function assertion(issuer: string, jti: string, lifetime = 60): Promise<boolean> {
  replays.expectAssertion(request);
  return replays.unique(issuer, jti, inSeconds(lifetime));
}
const proof = (issuer: string, jti: string) => replays.unique(issuer, jti, inSeconds(300));

describe('what is used once', () => {
  it('is refused in the words of what it is: an assertion, or a proof of possession', async () => {
    expect(await assertion('web', 'one')).toBe(true);
    expect(await assertion('web', 'one')).toBe(false);
    // The same text as the `jti` of a proof, in the same request even.
    expect(await proof('web', 'one')).toBe(true);
    await expect(proof('web', 'one')).rejects.toBeInstanceOf(errors.InvalidDpopProof);
  });

  it('is told apart from what another client used', async () => {
    expect(await proof('web', 'er-1')).toBe(true);
    expect(await proof('weber', '-1')).toBe(true);
    expect(await proof('we"b', ',"x')).toBe(true);
    expect(await proof('we', 'b","x')).toBe(true);
  });

  it('is remembered for as long as the library would take it again', async () => {
    await proof('web', 'one');
    await assertion('web', 'two', 20 * MINUTE);
    state.clock.forward(10 * MINUTE);
    sweepBatch(state.db, state.clock());
    await expect(proof('web', 'one')).rejects.toBeInstanceOf(errors.InvalidDpopProof);
    state.clock.forward(10 * MINUTE);
    sweepBatch(state.db, state.clock());
    expect(await assertion('web', 'two')).toBe(false);
  });

  it.each([0.123456789, 1e300, 9_007_199_254_740_991, Number.POSITIVE_INFINITY])(
    'is recorded where it expires in %d seconds, and not for ever',
    async (expiresIn) => {
      expect(await assertion('web', 'one', expiresIn)).toBe(true);
      expect(await assertion('web', 'one', expiresIn)).toBe(false);
      state.clock.forward(2 * DAY);
      expect(sweepBatch(state.db, state.clock())).toBe(1);
    },
  );
});
