import type { Command } from 'commander';
import { type Cli, command } from './command.ts';
import { databaseCopy } from './database-copy.ts';
import { databaseReopen } from './database-reopen.ts';

export function databaseCommands(cli: Cli): Command {
  return command('database', 'move an installation to PostgreSQL, and back')
    .addCommand(databaseCopy(cli))
    .addCommand(databaseReopen(cli));
}
