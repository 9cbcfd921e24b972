import { expect, it, onTestFinished, vi } from 'vitest';
import type { SignedHead } from '../../src/audit/chain.ts';
import { startAuditSealer } from '../../src/audit/sealer.ts';
import type { AuditTrail } from '../../src/audit/trail.ts';
import type { Logger } from '../../src/lib/log.ts';

const head = { sequence: 1 } as SignedHead;

function started(seal: AuditTrail['seal']) {
  const [emit, error] = [vi.fn(), vi.fn()];
  const sealer = startAuditSealer({ trail: { seal }, emit, log: { error } as unknown as Logger });
  onTestFinished(() => sealer.stop());
  return { sealer, emit, error };
}

it('the sealer goes on while batches are full, and emits the head of the last one', async () => {
  const counts = [200, 200, 7];
  const { sealer, emit } = started(async () => ({ count: counts.shift() ?? 0, head }));
  await sealer.run();
  expect([counts, emit.mock.calls]).toEqual([[], [[head]]]);
});

it('the sealer begins no batch more once it is stopped, and emits what it had done', async () => {
  const gate = Promise.withResolvers<{ count: number; head: SignedHead }>();
  const seal = vi.fn<AuditTrail['seal']>(async () => null).mockReturnValueOnce(gate.promise);
  const { sealer, emit } = started(seal);
  void sealer.run();
  const over = sealer.stop();
  gate.resolve({ count: 200, head });
  await over;
  expect([seal.mock.calls.length, emit.mock.calls.length]).toEqual([1, 1]);
});

it('the sealer says once that a database is away, and again when it was there in between', async () => {
  const outcomes = ['away', 'away', 'there', 'away'];
  const { sealer, error } = started(async () => {
    if (outcomes.shift() === 'away') throw new Error('away');
    return null;
  });
  for (const reports of [1, 1, 1, 2]) {
    await sealer.run();
    expect(error).toHaveBeenCalledTimes(reports);
  }
});
