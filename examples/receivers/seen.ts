const MOST = 100_000;

/** Ids of tokens, so that none counts twice. In memory: one that must survive a restart belongs into your database. */
export function createSeen() {
  const ids = new Set<string>();
  return {
    has: (id: string) => ids.has(id),
    add(id: string): void {
      const [oldest] = ids;
      if (ids.size >= MOST && oldest !== undefined) ids.delete(oldest);
      ids.add(id);
    },
  };
}
