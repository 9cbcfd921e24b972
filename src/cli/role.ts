import type { Command } from 'commander';
import { type Cli, command } from './command.ts';
import { roleCreate } from './role-create.ts';
import { roleDelete } from './role-delete.ts';
import { roleGrant, roleRevoke } from './role-grant.ts';
import { roleList } from './role-list.ts';
import { roleShow } from './role-show.ts';
import { roleUpdate } from './role-update.ts';

export function roleCommands(cli: Cli): Command {
  return command('role', 'roles: which permissions of an API go together, and who holds them')
    .addCommand(roleCreate(cli))
    .addCommand(roleList(cli))
    .addCommand(roleShow(cli))
    .addCommand(roleUpdate(cli))
    .addCommand(roleGrant(cli))
    .addCommand(roleRevoke(cli))
    .addCommand(roleDelete(cli));
}
