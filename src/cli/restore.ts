import { statSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { parseConfig } from '../config/config.ts';
import { action, type Cli } from './command.ts';
import { Failure } from './failure.ts';
import { checkPassphraseSource, knownPassphrase, type PassphraseOptions } from './passphrase.ts';
import { confirmation } from './prompt.ts';
import { checkServerStopped } from './server-stopped.ts';

const NOTES = `Into an empty DATA_DIR, with the keyring in KEYS_DIR that the data was sealed with. Everybody has to sign in again and
every token is refused, because the backup does not know what was ended or spent since it was made. What else happened
since is gone: changed passwords and replaced client secrets are as before, disabled accounts may be active again, spent
recovery codes work, and a signing key that was revoked signs again: revoke it anew before the server starts.`;

interface RestoreOptions extends PassphraseOptions {
  force?: boolean;
  withKeyring?: boolean;
  keepSessions?: boolean;
  yes?: boolean;
}

export function restore(cli: Cli): Command {
  return action('restore', 'put a backup back, while no server runs', {
    examples: ['restore /backups/gatewright.tar.gz'],
    notes: NOTES,
  })
    .argument('<file>', 'that backup made')
    .option('--force', 'move what is in DATA_DIR aside')
    .option('--with-keyring', 'take the keyring out of the backup, with its passphrase')
    .option('--passphrase-file <file>', 'read the passphrase from the first line of a file')
    .option('--keep-sessions', 'sessions and tokens live on; those that were ended or spent since live again')
    .option('--yes', 'do not ask')
    .action((file: string, options: RestoreOptions) => putBack(cli, file, options));
}

async function putBack({ env, clock, out }: Cli, file: string, options: RestoreOptions): Promise<void> {
  const { force = false, withKeyring = false, keepSessions = false, yes = false } = options;
  const confirm = confirmation({ yes });
  if (withKeyring) checkPassphraseSource(options);
  const config = parseConfig(env);
  if (config.database.url !== null) {
    throw new Failure('the data is in PostgreSQL: put it back with pg_restore, or leave out DATABASE_URL');
  }
  await checkServerStopped(config);
  if (keepSessions) {
    out.warn(
      'sessions that were signed out, tokens that were revoked and refresh tokens that were spent since the backup live again',
    );
  }

  const [{ openBackup }, { progressBar }] = await Promise.all([
    import('../store/backup/restore.ts'),
    import('./progress-bar.ts'),
  ]);
  const source = path.resolve(file);
  const bar = progressBar(out, 'Unpacking', sizeOf(source));
  let done = 0;
  const passphrase = withKeyring ? () => knownPassphrase(options) : null;
  const { issuer, folders } = config;
  const unpacked = await openBackup({ issuer, folders, file: source, force, clock }, passphrase, (count) => {
    done += count;
    bar.to(done);
  });
  try {
    bar.done();
    const { manifest, aside } = unpacked;
    const instead = aside === null ? '' : `, and move what is there to ${aside}`;
    await confirm(`Restore ${issuer} as of ${manifest.createdAt} into ${path.resolve(folders.data)}${instead}?`);
    unpacked.putInPlace({ keepSessions });
    const sessions = keepSessions ? 'Sessions and tokens live on.' : 'Everybody has to sign in again.';
    const moved = aside === null ? '' : `\nWhat was there before is in ${aside}.`;
    const value = { createdAt: manifest.createdAt, program: manifest.program, aside, sessionsKept: keepSessions };
    out.result(`Restored ${issuer} as of ${manifest.createdAt}. ${sessions}${moved}`, value);
  } finally {
    unpacked.close();
  }
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch (err) {
    throw new Failure(`${file} cannot be read (${(err as NodeJS.ErrnoException).code})`);
  }
}
