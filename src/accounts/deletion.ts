import type { By } from '../lib/by.ts';
import type { Clock } from '../lib/clock.ts';
import { MINUTE, type Milliseconds, type Seconds, toMilliseconds } from '../lib/duration.ts';
import { type Logger, reasonOf } from '../lib/log.ts';
import { type Repeated, repeat } from '../lib/repeated.ts';
import type { AsOf } from './store.ts';

const EVERY: Milliseconds = toMilliseconds(10 * MINUTE);
/** So that a look never grows with the number of those who leave at once. */
const BATCH = 100;

/** `dueAt` null: it is gone. `changed`: a password or factor is another, or it was signed out or disabled meanwhile. */
export type AskedDeletion = { dueAt: Milliseconds | null } | 'changed' | 'last-administrator';

/**
 * The end of an account at its owner's wish: at first it is disabled, and `leaving`; its owner can take that back by a
 * mailed link until it is due. Every implementation passes test/store/deletion.contract.ts.
 */
export interface DeletionStore {
  /**
   * With the end of every session and grant, in one transaction. Of the administrators who ask at once, one stays.
   * @param grace 0: deleted at once
   */
  ask(asOf: AsOf, grace: Seconds, by: By): Promise<AskedDeletion>;
  /** The same by an operator, who may delete whom they like. False where there is no such account, or it is leaving already. */
  order(id: string, grace: Seconds, by: By): Promise<boolean>;
  /**
   * Spends the mailed link. An account that an operator disabled, before or meanwhile, stays disabled, and is not deleted.
   * False where the link is open no more, or nothing waits to be deleted: nothing was written.
   */
  undo(id: string, tokenHash: string, by: By): Promise<boolean>;
  /** Accounts whose time has come, no more than so many. */
  due(limit: number): Promise<string[]>;
  /** True for exactly one caller, and only while it is due. */
  carryOut(id: string, by: By): Promise<boolean>;
}

/**
 * Whether an account is due stands in its row, and is looked for there: no job is queued that could be lost, given up,
 * or carried out after the deletion was taken back.
 */
export function startDeletions({
  deletions,
  by,
  clock,
  log,
}: {
  deletions: Pick<DeletionStore, 'due' | 'carryOut'>;
  by: By;
  clock: Clock;
  log: Logger;
}): Repeated {
  const work = repeat(
    EVERY,
    async () => {
      const startedAt = clock();
      for (const id of await deletions.due(BATCH)) {
        if (work.stopped) return;
        if (await deletions.carryOut(id, by)) log.info({ account: id, ms: clock() - startedAt }, 'account deleted');
      }
    },
    (err) => log.error({ reason: reasonOf(err) }, 'accounts that are due cannot be deleted'),
  );
  void work.run();
  return work;
}
