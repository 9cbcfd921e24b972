import type { Command } from 'commander';
import { type Cli, command } from './command.ts';
import { keyList } from './key-list.ts';
import { keyRotate } from './key-rotate.ts';

export function keyCommands(cli: Cli): Command {
  return command('key', 'show and replace the keys that sign tokens')
    .addCommand(keyList(cli))
    .addCommand(keyRotate(cli));
}
