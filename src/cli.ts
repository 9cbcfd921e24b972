import { existsSync } from 'node:fs';
import packageFile from '../package.json' with { type: 'json' };
import { accountCommands } from './cli/account.ts';
import { apiCommands } from './cli/api.ts';
import { apiKeyCommands } from './cli/api-key.ts';
import { auditCommands } from './cli/audit.ts';
import { backup } from './cli/backup.ts';
import { clientCommands } from './cli/client.ts';
import { type Cli, command } from './cli/command.ts';
import { databaseCommands } from './cli/database.ts';
import { deliveryCommands } from './cli/delivery.ts';
import { doctor } from './cli/doctor.ts';
import { explain, Failure } from './cli/failure.ts';
import { incident } from './cli/incident.ts';
import { inviteCommands } from './cli/invite.ts';
import { keyCommands } from './cli/key.ts';
import { keyringCommands } from './cli/keyring.ts';
import { limitCommands } from './cli/limit.ts';
import { mailCommands } from './cli/mail.ts';
import { migrate } from './cli/migrate.ts';
import { createOutput } from './cli/output.ts';
import { registrationCommands } from './cli/registration.ts';
import { restore } from './cli/restore.ts';
import { roleCommands } from './cli/role.ts';
import { serve } from './cli/serve.ts';
import { setupLink } from './cli/setup-link.ts';
import { systemClock } from './lib/clock.ts';

const ABOUT = `
Configuration comes from the environment and from .env in the current folder.
Commands may run while the server does; it takes up their changes without a restart.

Exit status: 0 done, 1 not done, 2 wrong usage, 78 unusable configuration.

Examples:
  npx gatewright client create --type web --name Wiki --redirect-uri https://wiki.example.org/callback
  npx gatewright account create --email ada@example.org --admin
  npx gatewright client create --help`;

function program(cli: Cli) {
  return command('gatewright', 'Run and manage a Gatewright identity provider.')
    .version(packageFile.version, '--version', 'print the version')
    .addHelpText('after', ABOUT)
    .addCommand(clientCommands(cli))
    .addCommand(registrationCommands(cli))
    .addCommand(apiCommands(cli))
    .addCommand(roleCommands(cli))
    .addCommand(apiKeyCommands(cli))
    .addCommand(accountCommands(cli))
    .addCommand(inviteCommands(cli))
    .addCommand(auditCommands(cli))
    .addCommand(keyCommands(cli))
    .addCommand(keyringCommands(cli))
    .addCommand(mailCommands(cli))
    .addCommand(deliveryCommands(cli))
    .addCommand(limitCommands(cli))
    .addCommand(incident(cli))
    .addCommand(setupLink(cli))
    .addCommand(migrate(cli))
    .addCommand(backup(cli, packageFile.version))
    .addCommand(restore(cli))
    .addCommand(databaseCommands(cli))
    .addCommand(doctor(cli))
    .addCommand(serve(cli));
}

function loadEnvFile(): void {
  if (!existsSync('.env')) return;
  try {
    process.loadEnvFile('.env');
  } catch (err) {
    throw new Failure(`.env cannot be read (${(err as NodeJS.ErrnoException).code}): make it readable for this user`);
  }
}

async function main(argv: string[]): Promise<void> {
  const out = createOutput({ json: argv.includes('--json') });
  // `… | head` closes the pipe early; there is nobody left to tell.
  process.stdout.on('error', () => {});
  try {
    loadEnvFile();
    await program({ env: process.env, clock: systemClock, out }).parseAsync(argv, { from: 'user' });
  } catch (err) {
    const report = explain(err);
    if (report) out.fail(report);
    process.exitCode = report?.status ?? 0;
  }
}

await main(process.argv.slice(2));
