import type { Command } from 'commander';
import { apiCreate } from './api-create.ts';
import { apiDelete } from './api-delete.ts';
import { apiList } from './api-list.ts';
import { apiShow } from './api-show.ts';
import { apiUpdate } from './api-update.ts';
import { type Cli, command } from './command.ts';

export function apiCommands(cli: Cli): Command {
  return command('api', 'register and manage APIs and their permissions, named by identifier or client id')
    .addCommand(apiCreate(cli))
    .addCommand(apiList(cli))
    .addCommand(apiShow(cli))
    .addCommand(apiUpdate(cli))
    .addCommand(apiDelete(cli));
}
