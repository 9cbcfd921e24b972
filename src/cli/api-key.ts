import type { Command } from 'commander';
import { apiKeyCreate } from './api-key-create.ts';
import { apiKeyList } from './api-key-list.ts';
import { apiKeyRevoke } from './api-key-revoke.ts';
import { apiKeyRotate } from './api-key-rotate.ts';
import { apiKeyShow } from './api-key-show.ts';
import { apiKeyVerify } from './api-key-verify.ts';
import { type Cli, command } from './command.ts';

export function apiKeyCommands(cli: Cli): Command {
  return command('api-key', 'keys for machines that cannot speak OAuth')
    .addCommand(apiKeyCreate(cli))
    .addCommand(apiKeyList(cli))
    .addCommand(apiKeyShow(cli))
    .addCommand(apiKeyRotate(cli))
    .addCommand(apiKeyRevoke(cli))
    .addCommand(apiKeyVerify(cli));
}
