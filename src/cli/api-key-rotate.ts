import { type Command, InvalidArgumentError, Option } from 'commander';
import { type ApiKey, LONGEST_OVERLAP, stateOf } from '../api-keys/api-key.ts';
import { BY_OPERATOR } from '../lib/by.ts';
import { DAY, type Milliseconds, type Seconds, toMilliseconds } from '../lib/duration.ts';
import { newId } from '../lib/ids.ts';
import { expiresOption, type KeyLifetime } from './api-key-lifetime.ts';
import { apiKeyJson, apiKeyText, existingApiKey, isoOrNull, keyText } from './api-key-view.ts';
import { action, type Cli } from './command.ts';
import { Failure } from './failure.ts';
import { lengthOfTime } from './length-of-time.ts';
import { withStores } from './stores.ts';

interface RotateOptions {
  overlap: Seconds;
  expires?: KeyLifetime;
}

export function apiKeyRotate(cli: Cli): Command {
  return action('rotate', 'make a key in the place of another, which works on for a while; prints the new one, once', {
    examples: ['api-key rotate key_… --overlap 7d', 'api-key rotate key_… --overlap 0 --expires 90d'],
    notes:
      'The new key has the name and the permissions of the old one. Where a key was seen by others, --overlap 0 ends it now.',
  })
    .argument('<id>', 'its id, key_…')
    .addOption(
      new Option('--overlap <time>', 'how long the old key works on: 0, 30m, 24h, 7d …')
        .argParser(parseOverlap)
        .default(DAY, '24h'),
    )
    .addOption(expiresOption('how long the new key works: 90d, 12h …, or never; as long as the old one was made for'))
    .action((id: string, options: RotateOptions) => rotate(cli, id, options));
}

async function rotate(cli: Cli, id: string, { overlap, expires }: RotateOptions): Promise<void> {
  await withStores(cli, {}, async ({ stores: { apiKeys } }) => {
    const before = await existingApiKey(apiKeys, id);
    const { issueApiKey } = await import('../api-keys/format.ts');
    const { key, keyHash } = issueApiKey();
    const now = cli.clock();
    const successor = { id: newId('key'), keyHash, expiresAt: endOf(before, expires, now) };
    if (!(await apiKeys.rotate(id, successor, now + toMilliseconds(overlap), BY_OPERATOR))) {
      const { name, replacedBy, ...found } = (await apiKeys.find(id)) ?? before;
      const state = stateOf({ name, replacedBy, ...found }, cli.clock());
      throw new Failure(
        replacedBy === null
          ? `${name} (${id}) is ${state}: make another with npx gatewright api-key create`
          : `${name} (${id}) was replaced by ${replacedBy} already: rotate that one`,
      );
    }

    const [old, made] = [(await apiKeys.find(id)) as ApiKey, (await apiKeys.find(successor.id)) as ApiKey];
    const oldEndsAt = isoOrNull(old.expiresAt);
    const ends = overlap === 0 ? 'has ended' : `works until ${oldEndsAt}`;
    cli.out.result(
      `Made a key in the place of ${id}, which ${ends}.\n\n${apiKeyText(made, cli.clock())}\n\n${keyText(key)}`,
      { key, replaces: id, oldKeyEndsAt: oldEndsAt, ...apiKeyJson(made, cli.clock()) },
    );
  });
}

/** What was chosen for the old one holds for the new one: the time from when it was made, not what is left of it. */
function endOf({ createdAt, expiresAt }: ApiKey, expires: KeyLifetime | undefined, now: Milliseconds) {
  if (expires === 'never' || (expires === undefined && expiresAt === null)) return null;
  return now + (expires === undefined ? Number(expiresAt) - createdAt : toMilliseconds(expires));
}

function parseOverlap(text: string): Seconds {
  const overlap = lengthOfTime(text === '0' ? '0s' : text);
  if (overlap === null || overlap > LONGEST_OVERLAP) {
    throw new InvalidArgumentError('It is 0, or a number and s, m, h or d, 90d at most.');
  }
  return overlap;
}
