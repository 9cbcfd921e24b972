/** How long something that was fetched is used, in milliseconds. */
interface Ages {
  /** After this it is fetched anew while the old one is used, so that busy programs never wait. */
  young: number;
  /** After this it is fetched anew, and the old one is used only if that fails. */
  fresh: number;
  /** After this the old one is not used any more: what cannot be fetched is missing. */
  usable: number;
}

/** After a failure, how long nobody tries again: whoever is away is not asked by every request. */
const PAUSE_MILLISECONDS = 1_000;

export interface Kept<T> {
  /** What was fetched last, while it is usable; otherwise what is fetched now. @throws what fetching threw */
  get(): Promise<T> | T;
  /** Fetches now; whoever asks meanwhile shares the one fetch. @throws what fetching threw */
  renew(): Promise<T>;
}

/** @param failed told of each failed fetch, also of those that nobody waits for */
export function keep<T>(
  fetchIt: () => Promise<T>,
  { young, fresh, usable }: Ages,
  failed: (err: unknown) => void,
): Kept<T> {
  let kept: { value: T; since: number } | null = null;
  let failure: { err: unknown; at: number } | null = null;
  let pending: Promise<T> | null = null;

  function renew(): Promise<T> {
    if (!pending && failure && Date.now() - failure.at < PAUSE_MILLISECONDS) return Promise.reject(failure.err);
    pending ??= fetchIt()
      .then((value) => {
        kept = { value, since: Date.now() };
        failure = null;
        return value;
      })
      .catch((err: unknown) => {
        failure = { err, at: Date.now() };
        failed(err);
        throw err;
      })
      .finally(() => {
        pending = null;
      });
    return pending;
  }

  return {
    renew,
    get() {
      const age = kept ? Date.now() - kept.since : Number.POSITIVE_INFINITY;
      if (!kept || age >= usable) return renew();
      const { value } = kept;
      if (age < young) return value;
      const renewed = renew().catch(() => value);
      // Whoever is away already is not waited for by every request.
      return age < fresh || failure ? value : renewed;
    },
  };
}
