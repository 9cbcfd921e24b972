import type { Milliseconds } from '../lib/duration.ts';
import { iso } from './layout.ts';

/** Whatever waits to be sent, mail and messages for applications alike. */
export interface Queued {
  createdAt: Milliseconds;
  attempts: number;
  /** Null: it was given up. */
  dueAt: Milliseconds | null;
  lastError: string | null;
}

export const QUEUE_HEADINGS = ['SINCE', 'TRIES', 'NEXT TRY', 'LAST ERROR'];

export function queueCells({ createdAt, attempts, dueAt, lastError }: Queued): string[] {
  return [iso(createdAt), String(attempts), dueAt === null ? 'never' : iso(dueAt), lastError ?? ''];
}

/** For programs. */
export function queueJson<T extends Queued>({ createdAt, dueAt, ...rest }: T) {
  return { ...rest, createdAt: iso(createdAt), nextTryAt: dueAt === null ? null : iso(dueAt), givenUp: dueAt === null };
}
