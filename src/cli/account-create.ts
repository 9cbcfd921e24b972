import type { Command } from 'commander';
import { isEmail, normalizeEmail, type Role } from '../accounts/account.ts';
import { isSecondFactorEnforced } from '../assurance/demand.ts';
import { BY_OPERATOR } from '../lib/by.ts';
import { Conflict } from '../lib/errors.ts';
import { newId } from '../lib/ids.ts';
import { accountResult } from './account-view.ts';
import { parseClaim } from './claims.ts';
import { action, type Cli } from './command.ts';
import { Failure } from './failure.ts';
import { newPassword } from './new-password.ts';
import { checkPasswordSource } from './prompt.ts';
import { withStores } from './stores.ts';

interface CreateOptions {
  email: string;
  name?: string;
  admin?: boolean;
  verified?: boolean;
  passwordStdin?: boolean;
}

export function accountCreate(cli: Cli): Command {
  return action('create', 'create an account; asks for its password, twice', {
    examples: [
      'account create --email ada@example.org --name "Ada Lovelace" --verified',
      'account create --email ada@example.org --password-stdin < password.txt',
    ],
  })
    .requiredOption('--email <address>', 'what the person signs in with, required')
    .option('--name <name>', 'their full name')
    .option('--admin', 'an administrator')
    .option('--verified', 'you know that the address is theirs')
    .option('--password-stdin', 'read the password from standard input')
    .action((options: CreateOptions) => create(cli, options));
}

async function create(cli: Cli, options: CreateOptions): Promise<void> {
  const email = options.email.trim();
  if (!isEmail(email)) throw new Failure(`--email: "${email}" is not an email address`);
  const name = options.name === undefined ? {} : { name: parseClaim('name', options.name) as string };
  const role: Role = options.admin ? 'administrator' : 'user';
  checkPasswordSource(options);

  await withStores(cli, { mayCreate: true }, async (opened) => {
    const {
      config,
      stores: { accounts },
    } = opened;
    if (await accounts.findByEmail(normalizeEmail(email))) throw taken(email);
    const password = await newPassword(opened, { role, email, claims: name });
    const { createPasswords } = await import('../accounts/passwords.ts');
    const passwordHash = await createPasswords(config.password).hash(password);
    const id = newId('acc');
    try {
      const account = { id, email, emailVerified: options.verified ?? false, role, passwordHash, claims: name };
      await accounts.create(account, BY_OPERATOR);
    } catch (err) {
      throw err instanceof Conflict ? taken(email) : err;
    }
    const next = isSecondFactorEnforced(config.levels, role)
      ? ' The first sign-in asks for a second factor to be set up.'
      : '';
    cli.out.result(...(await accountResult(accounts, id, `Created the account of ${email}.${next}`)));
  });
}

function taken(email: string): Failure {
  return new Failure(`there is an account with the address ${email} already`);
}
