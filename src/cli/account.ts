import type { Command } from 'commander';
import { accountCreate } from './account-create.ts';
import { accountDelete } from './account-delete.ts';
import { accountExport } from './account-export.ts';
import { accountImport } from './account-import.ts';
import { accountList } from './account-list.ts';
import { accountRecover } from './account-recover.ts';
import { accountRemoveAuthenticator } from './account-remove-authenticator.ts';
import { accountRemovePasskey } from './account-remove-passkey.ts';
import { accountRequirePasswordChange } from './account-require-password-change.ts';
import { accountResetMfa } from './account-reset-mfa.ts';
import { accountSetEmail } from './account-set-email.ts';
import { accountSetPassword } from './account-set-password.ts';
import { accountShow } from './account-show.ts';
import { accountSignOut } from './account-sign-out.ts';
import { accountDisable, accountEnable } from './account-status.ts';
import { accountUnlock } from './account-unlock.ts';
import { accountUpdate } from './account-update.ts';
import { type Cli, command } from './command.ts';

export function accountCommands(cli: Cli): Command {
  return command('account', 'create and manage the accounts of people, named by id or by email')
    .addCommand(accountCreate(cli))
    .addCommand(accountImport(cli))
    .addCommand(accountList(cli))
    .addCommand(accountShow(cli))
    .addCommand(accountExport(cli))
    .addCommand(accountUpdate(cli))
    .addCommand(accountSetEmail(cli))
    .addCommand(accountSetPassword(cli))
    .addCommand(accountRequirePasswordChange(cli))
    .addCommand(accountDisable(cli))
    .addCommand(accountEnable(cli))
    .addCommand(accountRemoveAuthenticator(cli))
    .addCommand(accountRemovePasskey(cli))
    .addCommand(accountResetMfa(cli))
    .addCommand(accountRecover(cli))
    .addCommand(accountSignOut(cli))
    .addCommand(accountUnlock(cli))
    .addCommand(accountDelete(cli));
}
