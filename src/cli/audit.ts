import type { Command } from 'commander';
import { auditExport } from './audit-export.ts';
import { auditList } from './audit-list.ts';
import { auditPrune } from './audit-prune.ts';
import { auditVerify } from './audit-verify.ts';
import { type Cli, command } from './command.ts';

export function auditCommands(cli: Cli): Command {
  return command('audit', 'read the audit trail, and check that nobody changed it')
    .addCommand(auditList(cli))
    .addCommand(auditVerify(cli))
    .addCommand(auditExport(cli))
    .addCommand(auditPrune(cli));
}
