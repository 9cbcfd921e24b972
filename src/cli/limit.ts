import type { Command } from 'commander';
import { type Cli, command } from './command.ts';
import { limitLift } from './limit-lift.ts';
import { limitList } from './limit-list.ts';

export function limitCommands(cli: Cli): Command {
  return command('limit', 'see who must wait after too many tries, and lift it')
    .addCommand(limitList(cli))
    .addCommand(limitLift(cli));
}
