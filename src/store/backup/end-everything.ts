import type { Milliseconds } from '../../lib/duration.ts';
import type { BothFiles } from '../sqlite/both-files.ts';

/**
 * Ends every session, grant and token of an installation whose data is older than what was spent and ended since: none
 * of it may live again. Death marks, attempts and used assertions stay, since they only ever refuse.
 * @param at everything issued until then is refused
 */
export function endState({ state }: Pick<BothFiles, 'state'>): void {
  state.exec(`DELETE FROM artifact WHERE kind <> 'ReplayDetection';
    DELETE FROM session; DELETE FROM session_authorization; DELETE FROM progress`);
}

/** The other half, which refuses what the first one removes: access tokens too, which are stored nowhere. */
export function refuseOlder({ database }: Pick<BothFiles, 'database'>, at: Milliseconds): void {
  database.prepare('UPDATE Account SET notBefore = max(notBefore, ?)').run(at);
  database.prepare('UPDATE Client SET notBefore = max(notBefore, ?)').run(at);
  database.prepare('UPDATE SetupLink SET expiresAt = min(expiresAt, ?) WHERE spentAt IS NULL').run(at);
}
