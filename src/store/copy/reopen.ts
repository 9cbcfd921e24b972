import type { Clock } from '../../lib/clock.ts';
import { OperatorProblem } from '../../lib/errors.ts';
import { endState, refuseOlder } from '../backup/end-everything.ts';
import { insertAuditEvent } from '../sqlite/audit-event.ts';
import { lockBoth, openBothFiles, readInstallation } from '../sqlite/both-files.ts';
import { isFrozen, thaw } from '../sqlite/freeze.ts';

/** The way back to an installation that was left, or whose move was not finished. */
export interface Return {
  /** Where its data went; null: the move never came so far that the other side could be served from. */
  leftFor: string | null;
  reopen(): void;
  close(): void;
}

/** @throws {OperatorProblem} */
export function openReturn({ folder, clock }: { folder: string; clock: Clock }): Return {
  const files = openBothFiles(folder);
  try {
    lockBoth(files, folder);
    const { database, state } = files;
    const { standing, leftFor } = readInstallation(database) ?? { standing: 'open', leftFor: null };
    const isLeft = standing === 'left';
    if (!isLeft && !isFrozen(state)) throw new OperatorProblem(`the installation in ${folder} was not left: start it`);

    return {
      leftFor: isLeft ? leftFor : null,
      // In the order that a start looks at: until the last commit it refuses.
      reopen() {
        thaw(state);
        if (isLeft) endState(files);
        state.exec('COMMIT');
        thaw(database);
        if (isLeft) {
          const at = clock();
          refuseOlder(files, at);
          database.exec("UPDATE Installation SET standing = 'open', leftFor = NULL");
          insertAuditEvent(database, { event: 'installation.reopened', leftFor }, at);
        }
        database.exec('COMMIT');
      },
      close: () => files.close(),
    };
  } catch (err) {
    files.close();
    throw err;
  }
}
