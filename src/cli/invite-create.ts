import { type Command, InvalidArgumentError, Option } from 'commander';
import { isEmail, normalizeEmail } from '../accounts/account.ts';
import { BY_OPERATOR } from '../lib/by.ts';
import { DAY, HOUR, type Seconds, toMilliseconds } from '../lib/duration.ts';
import { newcomerAddress } from '../links/sign-up.ts';
import { parseClaim } from './claims.ts';
import { action, type Cli } from './command.ts';
import { Failure } from './failure.ts';
import { iso } from './layout.ts';
import { lengthOfTime } from './length-of-time.ts';
import { withStores } from './stores.ts';

const LONGEST = 30 * DAY;

interface CreateOptions {
  email: string;
  name?: string;
  role: string;
  expires: Seconds;
  language: string;
  print?: boolean;
}

export function inviteCreate(cli: Cli): Command {
  return action('create', 'mail somebody a link by which they create their account; it ends the one before', {
    examples: [
      'invite create --email ada@example.org --name "Ada Lovelace"',
      'invite create --email ada@example.org --role administrator --expires 2d --print',
    ],
    notes: 'It may be made while the server is stopped, and goes out when it runs.',
  })
    .requiredOption('--email <address>', 'whom, and what they will sign in with, required')
    .option('--name <name>', 'what the page suggests as their name')
    .addOption(
      new Option('--role <role>', 'what the account will be').choices(['user', 'administrator']).default('user'),
    )
    .addOption(
      new Option('--expires <time>', 'how long the link works: 12h, 7d … 30d')
        .argParser(parseExpires)
        .default(7 * DAY, '7d'),
    )
    .addOption(new Option('--language <tag>', 'of the letter').choices(['en', 'de']).default('en'))
    .option('--print', 'show the link instead of mailing it; the address then counts as not verified')
    .action((options: CreateOptions) => create(cli, options));
}

async function create(cli: Cli, options: CreateOptions): Promise<void> {
  const { role, expires: lifetime, language, print = false } = options;
  const email = isEmail(options.email.trim()) ? newcomerAddress(options.email) : null;
  if (email === null) throw new Failure('--email must be an address that mail can be sent to, such as ada@example.org');
  const name = options.name === undefined ? null : (parseClaim('name', options.name) as string);

  await withStores(cli, {}, async ({ config, stores: { accounts, newcomers } }) => {
    if (config.signUp.mode === 'off') {
      throw new Failure(
        'invitations are off: set SIGN_UP=invited (or domains, or open) for the server and for this command',
      );
    }
    const emailNormalized = normalizeEmail(email);
    if (await accounts.findByEmail(emailNormalized)) {
      throw new Failure(`there is an account with the address ${email} already`);
    }
    const invited = { email, emailNormalized, name, role, lifetime };
    const token = print ? await newcomers.inviteUnsent(invited, BY_OPERATOR) : null;
    if (token === null) await newcomers.invite(invited, language, BY_OPERATOR);

    const expiresAt = iso(cli.clock() + toMilliseconds(lifetime));
    const link = token === null ? null : `${config.issuer}/link/${token}`;
    const text =
      link === null
        ? `A letter to ${email} is queued. Its link works once, until ${expiresAt}.`
        : `Give this link to ${email}. It works once, until ${expiresAt}, and is not shown again:\n\n  ${link}`;
    cli.out.result(text, {
      ...{ email, name, role, expiresAt, mailed: link === null },
      ...(link !== null && { link }),
    });
  });
}

function parseExpires(text: string): Seconds {
  const lifetime = lengthOfTime(text);
  if (lifetime === null || lifetime < HOUR || lifetime > LONGEST) {
    throw new InvalidArgumentError('It is a number and m, h or d, from 1h to 30d.');
  }
  return lifetime;
}
