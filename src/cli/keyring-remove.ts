import type { Command } from 'commander';
import { BY_OPERATOR } from '../lib/by.ts';
import { toMilliseconds } from '../lib/duration.ts';
import type { KeyringFile } from '../lib/keyring-file.ts';
import { action, type Cli } from './command.ts';
import { Failure } from './failure.ts';
import { isRemovable, KNOWN_WITHIN, type StatedKeyringKey, statedKeys } from './keyring-keys.ts';
import { iso } from './layout.ts';
import { confirmation } from './prompt.ts';
import { sealAnew } from './seal-anew.ts';
import { type Opened, withStores } from './stores.ts';

interface RemoveOptions {
  now?: boolean;
  yes?: boolean;
}

export function keyringRemove(cli: Cli): Command {
  return action('remove', 'remove an old key, under which nothing is sealed any more', {
    examples: ['keyring remove <id>', 'keyring remove <id> --now    # it leaked'],
  })
    .argument('<id>', 'of the key, as keyring status shows it')
    .option('--now', 'before everything signed with it has run out; ends the sessions that rest on it')
    .option('--yes', 'do not ask whether --now is meant')
    .action((id: string, options: RemoveOptions) => remove(cli, id, options));
}

async function remove(cli: Cli, id: string, { now = false, yes = false }: RemoveOptions): Promise<void> {
  const confirm = confirmation({ yes: yes || !now });
  const { changeKeyringFile } = await import('../lib/keyring-writing.ts');

  await withStores(cli, {}, async (opened) => {
    const { config, stores } = opened;
    const key = await keyOf(id, opened);
    const early = !isRemovable(key, cli.clock);
    if (early && !now) throw new Failure(`${whyNot(key)}, or end what rests on it with --now`);
    if (early) {
      if (key.records > 0) await sealAnew(stores, cli.out);
      await confirm(whatEnds(await keyOf(id, opened)));
    }
    changeKeyringFile(config.folders.keys, (content) => without(id, content, cli));
    await stores.audit.write({ event: 'keyring.key_removed', keyId: id, early }, BY_OPERATOR);
    cli.out.result(
      `Removed the key ${id}; running servers forget it within seconds. Delete it from every copy of keyring.json too.`,
      { id, removed: true, early },
    );
  });
}

/** @throws {Failure} where it is not one that can be removed at all */
async function keyOf(id: string, { config, stores: { keyring, resealing } }: Opened): Promise<StatedKeyringKey> {
  const key = statedKeys(keyring, await resealing.counts(), config).find((known) => known.id === id);
  if (!key) throw unknown(id);
  if (key.state === 'current') {
    throw new Failure(`the key ${id} is the current one: replace it first, with npx gatewright keyring rotate`);
  }
  return key;
}

/** By the file as it is now: while it was asked for, the key may have become the current one. @throws {Failure} */
function without(id: string, content: KeyringFile, { clock }: Cli): KeyringFile {
  const keys = content.keys.filter((key) => key.id !== id);
  const takesOver = content.keys.filter((key) => key.id === id).map(({ activatesAt }) => Date.parse(activatesAt))[0];
  if (takesOver === undefined) throw unknown(id);
  const now = clock();
  const isReplaced = keys.map((key) => Date.parse(key.activatesAt)).some((at) => takesOver < at && at <= now);
  // A server that does not know yet that it is gone would seal under it from its time on.
  if (!isReplaced && takesOver <= now + toMilliseconds(KNOWN_WITHIN)) {
    throw new Failure(
      `the key ${id} takes over at ${iso(takesOver)}, too soon to take it back: wait for that, then replace it with npx gatewright keyring rotate`,
    );
  }
  return { ...content, keys };
}

function unknown(id: string): Failure {
  return new Failure(`there is no key ${id} in the keyring: see npx gatewright keyring status`);
}

function whyNot({ id, records, runsOutAt }: StatedKeyringKey): string {
  return records > 0
    ? `${records} records are still sealed under the key ${id}: run npx gatewright keyring reseal first`
    : `cookies signed with the key ${id} are good until ${iso(runsOutAt ?? 0)}: wait until then`;
}

function whatEnds({ id, records }: StatedKeyringKey): string {
  const lost = records > 0 ? ` ${records} records are sealed under it that cannot be opened, and are lost.` : '';
  return `Remove the key ${id}? Sign-ins under way fail, and browsers that were not here since it was replaced are signed out.${lost}`;
}
