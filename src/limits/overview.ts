import type { Milliseconds } from '../lib/duration.ts';
import { type AttemptStore, UNTIL_LIFTED } from './attempt-store.ts';
import { TRIED } from './spraying.ts';
import { createNames, partsOf } from './subjects.ts';

export interface Waiting {
  kind: string;
  /** Null where it is no account's, or nobody's: only its keyed hash is kept. */
  account: { id: string; email: string } | null;
  /** Null: until an operator lifts it. */
  until: Milliseconds | null;
}

/** Who must wait. The hashes of the accounts there are say which of them are meant. */
export async function waitingNow({
  store,
  key,
  accounts,
  now,
}: {
  store: AttemptStore;
  key: Buffer;
  accounts: readonly { id: string; email: string; emailNormalized: string }[];
  now: Milliseconds;
}): Promise<Waiting[]> {
  const names = createNames(key);
  const known = new Map(
    accounts.flatMap(({ id, email, emailNormalized }) =>
      [names.account(id), names.email(emailNormalized)].map((name) => [name, { id, email }] as const),
    ),
  );
  return (await store.blocked(now))
    .map(({ subject, until }) => ({ ...partsOf(subject), until }))
    .filter(({ kind }) => kind !== TRIED)
    .map(({ kind, names: named, until }) => ({
      kind,
      account: named.map((name) => known.get(name)).find((account) => account !== undefined) ?? null,
      until: until === UNTIL_LIFTED ? null : until,
    }));
}
