import { type Command, InvalidArgumentError, Option } from 'commander';
import { BY_OPERATOR } from '../lib/by.ts';
import { DAY, type Seconds, toMilliseconds } from '../lib/duration.ts';
import { existingClient, usesSecret } from './client-checks.ts';
import { secretText } from './client-create.ts';
import { action, type Cli } from './command.ts';
import { Failure } from './failure.ts';
import { iso } from './layout.ts';
import { confirmation } from './prompt.ts';
import { withStores } from './stores.ts';
import { timeSpan } from './time-span.ts';

const LONGEST_OVERLAP = 90 * DAY;

interface RotateOptions {
  overlap: Seconds;
  compromised?: boolean;
  yes?: boolean;
}

export function clientRotateSecret(cli: Cli): Command {
  return action('rotate-secret', 'make a new secret; the old one works on for a while', {
    examples: ['client rotate-secret cli_… --overlap 7d', 'client rotate-secret cli_… --compromised'],
  })
    .argument('<id>', 'its client id')
    .addOption(
      new Option('--overlap <time>', 'how long the old secret works on: 0, 30m, 24h, 7d …')
        .argParser(parseOverlap)
        .default(DAY, '24h'),
    )
    .addOption(
      new Option('--compromised', 'the old secret ends now, and all tokens issued so far are refused').conflicts(
        'overlap',
      ),
    )
    .option('--yes', 'do not ask whether --compromised is meant')
    .action((id: string, options: RotateOptions) => rotate(cli, id, options));
}

async function rotate(
  cli: Cli,
  id: string,
  { overlap, compromised = false, yes = false }: RotateOptions,
): Promise<void> {
  const confirm = confirmation({ yes: yes || !compromised });

  await withStores(cli, {}, async ({ stores: { clients } }) => {
    const { name, settings } = await existingClient(clients, id);
    if (!usesSecret(settings)) {
      throw new Failure(`${name} has no secret to rotate: its authentication is ${settings.authMethod}`);
    }
    if (compromised) await confirm(`End the secret of ${name} (${id}) and every token issued to it?`);

    const { issueClientSecret } = await import('../clients/secrets.ts');
    const { secret, secretHash } = issueClientSecret();
    const oldEndsAt = cli.clock() + (compromised ? 0 : toMilliseconds(overlap));
    await clients.rotateSecret(id, secretHash, { oldEndsAt, endsAccess: compromised }, BY_OPERATOR);

    const isOver = compromised || overlap === 0;
    const old = isOver ? 'The old secret has ended.' : `The old secret works until ${iso(oldEndsAt)}.`;
    const tokens = compromised ? ' Every token issued so far is refused.' : '';
    cli.out.result(`New secret for ${name}. ${old}${tokens}\n\n${secretText(secret)}`, {
      ...{ id, secret, oldSecretsEndAt: iso(oldEndsAt), tokensRefused: compromised },
    });
  });
}

function parseOverlap(text: string): Seconds {
  const overlap = timeSpan(text);
  if (overlap === null || overlap > LONGEST_OVERLAP)
    throw new InvalidArgumentError('It is 0, or a number and s, m, h or d, 90d at most.');
  return overlap;
}
