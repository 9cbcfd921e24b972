import type { Command } from 'commander';
import { type Cli, command } from './command.ts';
import { mailList } from './mail-list.ts';
import { mailTest } from './mail-test.ts';

export function mailCommands(cli: Cli): Command {
  return command('mail', 'show what mail has not gone out, and try whether it does')
    .addCommand(mailList(cli))
    .addCommand(mailTest(cli));
}
