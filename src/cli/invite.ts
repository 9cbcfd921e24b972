import type { Command } from 'commander';
import { type Cli, command } from './command.ts';
import { inviteCreate } from './invite-create.ts';
import { inviteList } from './invite-list.ts';
import { inviteRevoke } from './invite-revoke.ts';

export function inviteCommands(cli: Cli): Command {
  return command('invite', 'invite people, who then choose name and password themselves')
    .addCommand(inviteCreate(cli))
    .addCommand(inviteList(cli))
    .addCommand(inviteRevoke(cli));
}
