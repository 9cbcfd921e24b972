import type { Command } from 'commander';
import { parseConfig } from '../config/config.ts';
import { action, type Cli } from './command.ts';
import { checkEmbedded } from './embedded.ts';
import { confirmation } from './prompt.ts';
import { checkServerStopped } from './server-stopped.ts';

const NOTES = `The way back after database copy. What happened at PostgreSQL since is lost here: new accounts and clients, changed
passwords, disabled accounts, spent recovery codes. Everybody has to sign in again, and every token issued so far is
refused, since some were spent there. Stop the servers that use PostgreSQL for good.`;

export function databaseReopen(cli: Cli): Command {
  return action('reopen', 'go back to the files in DATA_DIR after database copy, and end every session', {
    notes: NOTES,
  })
    .option('--yes', 'do not ask')
    .action(async ({ yes = false }: { yes?: boolean }) => {
      const confirm = confirmation({ yes });
      const config = parseConfig(cli.env);
      await checkEmbedded(config);
      await checkServerStopped(config);
      const { openReturn } = await import('../store/copy/reopen.ts');
      const back = openReturn({ folder: config.folders.data, clock: cli.clock });
      try {
        const { leftFor } = back;
        if (leftFor !== null) {
          await confirm(`Go back, lose what happened at ${leftFor} since, and end every session and token?`);
        }
        back.reopen();
        const lost = `What happened at ${leftFor} since is not here, and everybody has to sign in again.`;
        const kept = 'The move was never finished, so nothing is lost.';
        const text = `The installation in ${config.folders.data} is open again. ${leftFor === null ? kept : lost}`;
        cli.out.result(text, { leftFor, sessionsEnded: leftFor !== null });
      } finally {
        back.close();
      }
    });
}
