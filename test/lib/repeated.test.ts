import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { repeat } from '../../src/lib/repeated.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function started(work: () => Promise<void>) {
  const failures: unknown[] = [];
  const repeated = repeat(1_000, work, (err) => void failures.push(err));
  onTestFinished(() => repeated.stop());
  return { repeated, failures };
}

describe('repeated work', () => {
  it('is never done twice at the same time, whoever asks', async () => {
    const gate = Promise.withResolvers<void>();
    const work = vi.fn(() => gate.promise);
    const { repeated } = started(work);
    vi.advanceTimersByTime(3_000);
    expect(repeated.run()).toBe(repeated.run());
    expect(work).toHaveBeenCalledTimes(1);
    gate.resolve();
    await repeated.run();
    vi.advanceTimersByTime(1_000);
    expect(work).toHaveBeenCalledTimes(2);
  });

  it('goes on after a failure, which is reported', async () => {
    const work = vi.fn().mockRejectedValueOnce(new Error('away')).mockResolvedValue(undefined);
    const { repeated, failures } = started(work);
    await repeated.run();
    await repeated.run();
    expect([work.mock.calls.length, failures]).toEqual([2, [new Error('away')]]);
  });

  it('is waited for at the end, told of it, and not begun again', async () => {
    const gate = Promise.withResolvers<void>();
    const work = vi.fn(() => gate.promise);
    const { repeated } = started(work);
    void repeated.run();
    const over = vi.fn();
    const stopping = repeated.stop().then(over);
    expect(repeated.stopped).toBe(true);
    await Promise.resolve();
    expect(over).not.toHaveBeenCalled();
    gate.resolve();
    await stopping;
    vi.advanceTimersByTime(5_000);
    expect(work).toHaveBeenCalledTimes(1);
  });
});
