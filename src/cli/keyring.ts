import type { Command } from 'commander';
import { type Cli, command } from './command.ts';
import { keyringRemove } from './keyring-remove.ts';
import { keyringReseal } from './keyring-reseal.ts';
import { keyringRotate } from './keyring-rotate.ts';
import { keyringStatus } from './keyring-status.ts';

export function keyringCommands(cli: Cli): Command {
  return command('keyring', 'show and replace the keys under which secrets are stored and cookies are signed')
    .addCommand(keyringStatus(cli))
    .addCommand(keyringRotate(cli))
    .addCommand(keyringReseal(cli))
    .addCommand(keyringRemove(cli));
}
