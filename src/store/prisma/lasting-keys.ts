import { randomBytes } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';
import { OperatorProblem } from '../../lib/errors.ts';
import { type Keyring, UnknownKey } from '../../lib/keyring.ts';
import type { Sealer } from '../../lib/sealing.ts';
import type { Database } from './database.ts';

export const LASTING_KEY = 'LastingKey.sealedKey';

/** The keys of hashes that cannot be made anew. They stay the same whatever becomes of the keyring. */
export interface LastingKeys {
  recoveryCodes: Buffer;
  attempts: Buffer;
  /** Of passwords that are tried at many accounts. */
  spraying: Buffer;
  /** Of the chain of the audit trail. */
  audit: Buffer;
}

const LABELS = ['recovery-code', 'attempts', 'spraying', 'audit'] as const;
type Label = (typeof LABELS)[number];
/** Older than these rows. */
const FIRST: readonly Label[] = ['recovery-code', 'attempts'];

/**
 * All of them, made where they are missing; of several instances one makes a key and the others read it.
 * @param isNew nothing has been hashed here yet. Where something was, the oldest key of the keyring was used directly,
 * and what it gave is kept.
 * @throws {OperatorProblem} when the keyring does not open them
 */
export async function openLastingKeys({
  database,
  keyring,
  sealer,
  clock,
  isNew,
}: {
  database: Database;
  keyring: Keyring;
  sealer: Sealer;
  clock: Clock;
  isNew: boolean;
}): Promise<LastingKeys> {
  const oldest = keyring.keys.at(-1)?.id;
  const firstValue = (label: Label) =>
    isNew || !FIRST.includes(label) ? randomBytes(32) : keyring.subkey(label, oldest);

  async function make(): Promise<void> {
    await database.exclusively('lasting-keys', async (tx) => {
      const rows = await tx.lastingKey.findMany({ select: { label: true } });
      for (const label of LABELS.filter((wanted) => !rows.some((row) => row.label === wanted))) {
        const sealed = sealer.seal(LASTING_KEY, label, firstValue(label).toString('base64url'));
        const data = { label, sealedKey: sealed.toString('base64url'), createdAt: new Date(clock()) };
        await tx.lastingKey.create({ data });
      }
    });
  }
  async function read(): Promise<Map<string, Buffer>> {
    const rows = await database.prisma.lastingKey.findMany();
    return new Map(rows.map(({ label, sealedKey }) => [label, open(label, sealedKey)]));
  }
  function open(label: string, sealedKey: string): Buffer {
    try {
      return Buffer.from(sealer.unseal(LASTING_KEY, label, Buffer.from(sealedKey, 'base64url')), 'base64url');
    } catch (err) {
      const sentence =
        err instanceof UnknownKey
          ? `this database is sealed under a newer key than KEYS_DIR holds (${err.message}): put the newest keyring.json there, from another instance or the backup`
          : `the key "${label}" of this database does not open with keyring.json, although that names its key: put the keyring.json back that belongs to the database, or restore the database`;
      throw new OperatorProblem(sentence, { cause: err });
    }
  }

  let keys = await read();
  if (LABELS.some((label) => !keys.has(label))) {
    await make();
    keys = await read();
  }
  const key = (label: Label) => keys.get(label) as Buffer;
  return {
    recoveryCodes: key('recovery-code'),
    attempts: key('attempts'),
    spraying: key('spraying'),
    audit: key('audit'),
  };
}
