import type { Totp } from '../accounts/totp.ts';
import type { Clock } from '../lib/clock.ts';
import { HOUR, MINUTE, type Milliseconds, toMilliseconds } from '../lib/duration.ts';
import type { ProgressStore, Versioned } from '../lib/progress.ts';
import type { Visit } from '../web/visit-cookie.ts';

/** What the first administrator has said so far; nothing of it is an account before the second factor is confirmed. */
export interface SetupDraft {
  accountId: string;
  email: string;
  name: string;
  passwordHash: string;
  secret: string;
  secretExpiresAt: Milliseconds;
  /** The account exists; its recovery codes are still to be shown. */
  recoveryCodes: string[] | null;
}

export type SetupDrafts = ReturnType<typeof createSetupDrafts>;

const LIFETIME = HOUR;
const PENDING_LIFETIME = 10 * MINUTE;

export function createSetupDrafts({
  store,
  totp,
  clock,
}: {
  store: ProgressStore<SetupDraft>;
  totp: Totp;
  clock: Clock;
}) {
  const load = ({ id }: Visit) => store.load(id);
  const save = ({ id }: Visit, draft: SetupDraft, version: number) =>
    store.save(id, draft, version, clock() + toMilliseconds(LIFETIME));

  return {
    load,
    /** @returns false when another tab was faster: nothing was written. */
    save,
    newSeed: () => ({ secret: totp.newSecret(), secretExpiresAt: clock() + toMilliseconds(PENDING_LIFETIME) }),
    isPending: ({ secretExpiresAt }: SetupDraft) => secretExpiresAt > clock(),
    /** The account exists, and its codes are nowhere else: they stay, whatever another tab has written meanwhile. */
    async keepCodes(visit: Visit, { value, version }: Versioned<SetupDraft>, codes: string[]): Promise<void> {
      const draft = { ...value, passwordHash: '', secret: '', recoveryCodes: codes };
      let over = version;
      while (!(await save(visit, draft, over))) over = (await load(visit))?.version ?? 0;
    },
  };
}
