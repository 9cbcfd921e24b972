import path from 'node:path';
import type { Command } from 'commander';
import { parseConfig } from '../config/config.ts';
import { action, type Cli } from './command.ts';
import { checkEmbedded } from './embedded.ts';
import { Failure } from './failure.ts';
import { checkPassphraseSource, newPassphrase, type PassphraseOptions } from './passphrase.ts';

const NOTES = `The server may run meanwhile. The keyring is not in it: without its own copy of keys/keyring.json a backup is of no use,
and with it a thief needs nothing else, so keep the two apart. --with-keyring puts it in, sealed under a passphrase.`;

interface BackupOptions extends PassphraseOptions {
  force?: boolean;
  withKeyring?: boolean;
}

/** @param program the version of this program */
export function backup(cli: Cli, program: string): Command {
  return action('backup', 'copy the data into one file, while the server runs', {
    examples: ['backup /backups/gatewright.tar.gz', 'backup everything.tar.gz --with-keyring'],
    notes: NOTES,
  })
    .argument('<file>', 'where to; made for this user only')
    .option('--force', 'replace the file')
    .option('--with-keyring', 'put the keyring in, sealed under a passphrase that is asked for')
    .option('--passphrase-file <file>', 'read the passphrase from the first line of a file')
    .action((file: string, options: BackupOptions) => makeOne(cli, program, file, options));
}

async function makeOne({ env, clock, out }: Cli, program: string, file: string, options: BackupOptions): Promise<void> {
  const { force = false, withKeyring = false } = options;
  if (withKeyring) checkPassphraseSource(options);
  const { issuer, folders, ...config } = parseConfig(env);
  if (config.database.url !== null) {
    throw new Failure(
      `the data is in PostgreSQL: copy it with pg_dump --format=custom, and keep ${path.resolve(folders.keys, 'keyring.json')} apart from that`,
    );
  }
  await checkEmbedded({ issuer, folders, ...config });
  const passphrase = withKeyring ? await newPassphrase(options) : null;

  const [{ makeBackup }, { progressBar }] = await Promise.all([
    import('../store/backup/backup.ts'),
    import('./progress-bar.ts'),
  ]);
  let bar: ReturnType<typeof progressBar> | undefined;
  const target = path.resolve(file);
  const made = await makeBackup({ issuer, folders, file: target, force, passphrase, program, clock }, (done, total) => {
    bar ??= progressBar(out, 'Backing up', total);
    bar.to(done);
  });
  bar?.done();
  const advice = withKeyring
    ? 'The keyring is in it; without the passphrase it does not open.'
    : `The keyring is not in it: keep a copy of ${path.resolve(folders.keys, 'keyring.json')} elsewhere.`;
  out.result(`Backed up ${issuer} to ${target} (${made.size} bytes).\n${advice}`, {
    file: target,
    ...made,
    withKeyring,
  });
}
