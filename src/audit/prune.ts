import type { By } from '../lib/by.ts';
import type { Milliseconds } from '../lib/duration.ts';
import { OperatorProblem } from '../lib/errors.ts';
import { isSigned, macOfEntry, START } from './chain.ts';
import type { AuditTrail } from './trail.ts';

/** Few enough that a transaction is short. */
const STEP = 500;

/**
 * Cuts off what is older than an instant, in steps of one transaction each, after each of which the rest verifies.
 * @param force also where what is cut off does not verify: with it goes what showed that somebody changed it
 * @returns how many entries went
 * @throws {OperatorProblem}
 */
export async function pruneTrail(
  { trail, key }: { trail: AuditTrail; key: Buffer },
  before: Milliseconds,
  by: By,
  { force = false, toldHowMany = () => {} }: { force?: boolean; toldHowMany?: (done: number) => void } = {},
): Promise<number> {
  const through = await trail.lastBefore(before);
  if (through === null) return 0;
  let done = 0;
  for (;;) {
    const anchor = (await trail.anchor()) ?? START;
    const anchorFits = anchor.mac === null || isSigned(key, 'anchor', anchor);
    const entries = (await trail.after(anchor.sequence, STEP)).filter(({ sequence }) => sequence <= through);
    const last = entries.at(-1);
    if (!last) return done;
    const isIntact = entries.every(
      (entry, at) =>
        entry.sequence === anchor.sequence + at + 1 &&
        entry.previous === (entries[at - 1]?.mac ?? anchor.hash) &&
        entry.mac === macOfEntry(key, entry) &&
        entry.personalState !== 'changed',
    );
    if (!force && !(isIntact && anchorFits)) {
      throw new OperatorProblem(
        'the beginning of the audit trail does not verify, so nothing more was removed: see npx gatewright audit verify, and keep a copy before you use --force',
      );
    }
    const isCut = await trail.cut(anchor.sequence, last, done === 0 ? { through, before, by } : undefined);
    // Another instance prunes too, and does the rest.
    if (!isCut) return done;
    done += entries.length;
    toldHowMany(done);
  }
}
