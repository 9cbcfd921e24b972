import type { Command } from 'commander';
import { type Cli, command } from './command.ts';
import { registrationTokenCreate } from './registration-token-create.ts';
import { registrationTokenList } from './registration-token-list.ts';
import { registrationTokenRevoke } from './registration-token-revoke.ts';

export function registrationCommands(cli: Cli): Command {
  return command('registration', 'let applications register themselves').addCommand(
    command('token', 'what they need for it, and what may be registered with it')
      .addCommand(registrationTokenCreate(cli))
      .addCommand(registrationTokenList(cli))
      .addCommand(registrationTokenRevoke(cli)),
  );
}
