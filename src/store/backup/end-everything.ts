import type { Milliseconds } from '../../lib/duration.ts';
import type { BothFiles } from '../sqlite/both-files.ts';

/**
 * With `refuseOlder`: ends every session, grant and token of an installation whose data is older than what was spent and
 * ended since, so that none of it lives again. Death marks and used assertions stay, since they only ever refuse.
 */
export function endState({ state }: Pick<BothFiles, 'state'>): void {
  state.exec(`DELETE FROM artifact WHERE kind <> 'ReplayDetection';
    DELETE FROM session; DELETE FROM session_authorization; DELETE FROM progress`);
}

/**
 * Refuses what was issued at an instant or before: access tokens too, which are stored nowhere, links to set up an
 * administrator, and mailed ones. No browser stands in for a second factor any more.
 */
export function refuseOlder({ database }: Pick<BothFiles, 'database'>, at: Milliseconds): void {
  database.prepare('UPDATE Account SET notBefore = max(notBefore, ?)').run(at);
  // A browser may have lost its trust since.
  database.prepare('UPDATE KnownBrowser SET trustedUntil = NULL').run();
  database.prepare('UPDATE Client SET notBefore = max(notBefore, ?)').run(at);
  database.prepare('UPDATE SetupLink SET expiresAt = min(expiresAt, ?) WHERE spentAt IS NULL').run(at);
  database.prepare('UPDATE MailedLink SET expiresAt = min(expiresAt, ?) WHERE spentAt IS NULL').run(at);
}
