import { OperatorProblem } from '../lib/errors.ts';

/** What `Installation.standing` may say. Only an open installation is served from. */
export interface InstallationStanding {
  standing: string;
  leftFor: string | null;
}

export const UNFINISHED_MOVE =
  'moving this installation to PostgreSQL was begun and not finished: run npx gatewright database copy again, or npx gatewright database reopen to stay here';

/** @throws {OperatorProblem} where the data is on its way here, or went elsewhere */
export function checkStanding({ standing, leftFor }: InstallationStanding): void {
  if (standing === 'arriving') {
    throw new OperatorProblem(
      'a copy into this database was not finished: run npx gatewright database copy again where the data comes from',
    );
  }
  if (standing === 'left') {
    throw new OperatorProblem(
      `this installation was moved to ${leftFor}: set DATABASE_URL to it, or go back with npx gatewright database reopen`,
    );
  }
}
