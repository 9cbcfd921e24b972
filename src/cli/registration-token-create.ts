import { type Command, InvalidArgumentError, Option } from 'commander';
import { LEVELS, type Level } from '../assurance/level.ts';
import type { AuthMethod } from '../clients/client.ts';
import { BY_OPERATOR } from '../lib/by.ts';
import { DAY, HOUR, type Seconds, toMilliseconds } from '../lib/duration.ts';
import { newId } from '../lib/ids.ts';
import {
  DEFAULT_POLICY,
  isHostPattern,
  REGISTRABLE_AUTH_METHODS,
  REGISTRABLE_TYPES,
  type RegistrableType,
  type RegistrationPolicy,
} from '../registration/policy.ts';
import { action, type Cli, collect } from './command.ts';
import { Failure } from './failure.ts';
import { iso } from './layout.ts';
import { lengthOfTime } from './length-of-time.ts';
import { withStores } from './stores.ts';

const LONGEST = 365 * DAY;
const MOST_USES = 10_000;

interface CreateOptions {
  name: string;
  uses: number | 'any';
  expires: Seconds;
  type?: RegistrableType[];
  authMethod?: AuthMethod[];
  scope?: string[];
  audience?: string[];
  redirectHost?: string[];
  device?: boolean;
  minimumLevel: Level;
}

export function registrationTokenCreate(cli: Cli): Command {
  return action('create', 'make an initial access token; it is shown once', {
    examples: [
      'registration token create --name CI --uses 5 --expires 7d --type web --redirect-host "*.preview.example.org"',
      'registration token create --name Billing --type service --audience https://api.example.org --scope orders:read',
    ],
    notes: 'An application registered with it is never one of yours: people are always asked for consent.',
  })
    .requiredOption('--name <name>', 'what you call it, required')
    .addOption(
      new Option('--uses <number>', 'how many may be registered with it, or any').argParser(parseUses).default(1),
    )
    .addOption(
      new Option('--expires <time>', 'how long it works: 12h, 7d … 365d')
        .argParser(parseExpires)
        .default(7 * DAY, '7d'),
    )
    .option(
      `--type <type>`,
      `what may be registered: ${REGISTRABLE_TYPES.join(', ')} (repeatable)`,
      oneOf(REGISTRABLE_TYPES),
    )
    .option(
      '--auth-method <method>',
      `how they may prove themselves: ${REGISTRABLE_AUTH_METHODS.join(', ')} (repeatable)`,
      oneOf(REGISTRABLE_AUTH_METHODS),
    )
    .option('--scope <scopes>', 'what they may ask for (repeatable)', collect)
    .option('--audience <address>', 'an API that each of them may name, the first by default (repeatable)', collect)
    .option('--redirect-host <host>', 'where people may be sent: a host, or *.host (repeatable)', collect)
    .option('--device', 'they may be devices without a browser')
    .addOption(
      new Option('--minimum-level <level>', 'how strongly people must sign in').choices(LEVELS).default('one-factor'),
    )
    .action((options: CreateOptions) => create(cli, options));
}

async function create(cli: Cli, options: CreateOptions): Promise<void> {
  const { name, uses, expires } = options;
  if (!/^[^\p{C}]{1,100}$/u.test(name) || name.trim() === '') {
    throw new Failure('--name must have 1 to 100 visible characters');
  }
  const policy = policyOf(options);

  await withStores(cli, {}, async ({ config, stores: { registrationTokens, registry } }) => {
    for (const audience of policy.audiences) {
      if (!(await registry.api(audience))) {
        throw new Failure(`no API is registered as ${audience}: npx gatewright api create makes one`);
      }
    }
    if (config.registration.mode === 'off') {
      cli.out.warn(
        'registration is off: set REGISTRATION=token (or open) for the server, or nobody can use this token',
      );
    }
    const { issueInitialAccessToken } = await import('../registration/token.ts');
    const { token, tokenHash } = issueInitialAccessToken();
    const expiresAt = cli.clock() + toMilliseconds(expires);
    const made = { id: newId('rgt'), name, policy, expiresAt, usesLeft: uses === 'any' ? null : uses };
    await registrationTokens.create(made, tokenHash, BY_OPERATOR);
    const many = uses === 'any' ? 'any number of applications' : `${uses} application${uses === 1 ? '' : 's'}`;
    cli.out.result(
      `Registration token ${made.id} for ${many}, until ${iso(expiresAt)}. It is shown this once and kept nowhere:\n\n  ${token}`,
      { id: made.id, token, name, usesLeft: made.usesLeft, expiresAt: iso(expiresAt), policy },
    );
  });
}

function policyOf(options: CreateOptions): RegistrationPolicy {
  const redirectHosts = (options.redirectHost ?? []).map((host) => host.toLowerCase());
  const wrong = redirectHosts.find((host) => !isHostPattern(host));
  if (wrong) throw new Failure(`--redirect-host ${wrong} must be a host such as app.example.org or *.example.org`);
  const scopes = options.scope?.flatMap((each) => each.split(/\s+/).filter(Boolean));
  const unknown = scopes?.find((scope) => !/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope));
  if (unknown) throw new Failure(`--scope: "${unknown}" is not a scope (RFC 6749 3.3)`);
  return {
    types: options.type ?? DEFAULT_POLICY.types,
    authMethods: options.authMethod ?? DEFAULT_POLICY.authMethods,
    scopes: scopes ? [...new Set(scopes)] : DEFAULT_POLICY.scopes,
    audiences: [...new Set(options.audience)],
    redirectHosts,
    deviceGrant: options.device ?? false,
    minimumLevel: options.minimumLevel,
  };
}

function oneOf<const T extends string>(choices: readonly T[]) {
  return (text: string, before: T[] = []): T[] => {
    const found = choices.find((choice) => choice === text);
    if (!found) throw new InvalidArgumentError(`It is one of ${choices.join(', ')}.`);
    return [...new Set([...before, found])];
  };
}

function parseUses(text: string): number | 'any' {
  if (text === 'any') return 'any';
  const uses = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (uses < 1 || uses > MOST_USES) throw new InvalidArgumentError(`It is a number from 1 to ${MOST_USES}, or any.`);
  return uses;
}

function parseExpires(text: string): Seconds {
  const lifetime = lengthOfTime(text);
  if (lifetime === null || lifetime < HOUR || lifetime > LONGEST) {
    throw new InvalidArgumentError('It is a number and m, h or d, from 1h to 365d.');
  }
  return lifetime;
}
