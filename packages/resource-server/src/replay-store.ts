/** Where it is remembered which proofs were used. Instances that answer for one API must share one. */
export interface ReplayStore {
  /**
   * True for the first caller with this id, false for every other until `expiresAt`, in milliseconds since the epoch.
   * It has to be one atomic step (in Redis: SET NX PXAT). An error in it is answered with 503.
   */
  firstUse(id: string, expiresAt: number): boolean | Promise<boolean>;
}

const MOST_MARKS = 100_000;

/** For a single process. Where it is full it forgets nothing, but throws: a forgotten proof could be used again. */
export function createMemoryReplayStore(most = MOST_MARKS): ReplayStore {
  // In the order in which they were put in, which is that in which they expire, since all live equally long.
  const marks = new Map<string, number>();

  function forgetExpired(now: number): void {
    for (const [id, expiresAt] of marks) {
      if (expiresAt > now) return;
      marks.delete(id);
    }
  }

  return {
    firstUse(id, expiresAt) {
      forgetExpired(Date.now());
      if (marks.has(id)) return false;
      if (marks.size >= most)
        throw new Error(`${most} proofs were used within their lifetime: no more can be remembered`);
      marks.set(id, expiresAt);
      return true;
    },
  };
}
