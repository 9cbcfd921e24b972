import type { Command } from 'commander';
import { clientAccounts } from './client-accounts.ts';
import { clientAllow, clientDisallow } from './client-allow.ts';
import { clientCreate } from './client-create.ts';
import { clientDelete } from './client-delete.ts';
import { clientList } from './client-list.ts';
import { clientRevokeRegistration } from './client-revoke-registration.ts';
import { clientRotateSecret } from './client-rotate-secret.ts';
import { clientShow } from './client-show.ts';
import { clientDisable, clientEnable } from './client-status.ts';
import { clientUpdate } from './client-update.ts';
import { type Cli, command } from './command.ts';

export function clientCommands(cli: Cli): Command {
  return command('client', 'register and manage applications and APIs')
    .addCommand(clientCreate(cli))
    .addCommand(clientList(cli))
    .addCommand(clientShow(cli))
    .addCommand(clientUpdate(cli))
    .addCommand(clientAllow(cli))
    .addCommand(clientDisallow(cli))
    .addCommand(clientAccounts(cli))
    .addCommand(clientRotateSecret(cli))
    .addCommand(clientRevokeRegistration(cli))
    .addCommand(clientDisable(cli))
    .addCommand(clientEnable(cli))
    .addCommand(clientDelete(cli));
}
