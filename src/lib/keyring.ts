import { hkdfSync, randomBytes } from 'node:crypto';
import { chmodSync, linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Clock, systemClock } from './clock.ts';
import { OperatorProblem } from './errors.ts';

/** The secrets from which every other secret of an installation is derived. Lose it, and what is sealed is lost. */
export interface Keyring {
  /** Recorded in the database at first start, so that the two are never mixed up. */
  readonly id: string;
  /** New records are sealed under this key. */
  readonly currentKeyId: string;
  /** Every key that still opens something, the current one first. Ids are 8 characters of a-z0-9. */
  readonly keyIds: readonly string[];
  /**
   * 32 bytes for one use (`label`), by HKDF-SHA-256 (RFC 5869). The same label and key id give the same bytes.
   * @throws when the keyring has no such key.
   */
  subkey(label: string, keyId?: string): Buffer;
}

interface KeyringFile {
  version: 1;
  id: string;
  current: string;
  keys: { id: string; secret: string; createdAt: string }[];
}

const FILE = 'keyring.json';

/** Opens `folder/keyring.json`, or makes it at the very first start. @throws {OperatorProblem} */
export function openKeyring(folder: string, options: { mayCreate: boolean }): Keyring {
  const file = path.join(folder, FILE);
  const text = readOrCreate(file, options.mayCreate);
  return keyringFrom(parse(text, file));
}

export function keyringFrom(content: KeyringFile): Keyring {
  const secrets = new Map(content.keys.map((key) => [key.id, Buffer.from(key.secret, 'base64')]));
  const derived = new Map<string, Buffer>();

  return {
    id: content.id,
    currentKeyId: content.current,
    keyIds: [content.current, ...content.keys.map((key) => key.id).filter((id) => id !== content.current)],
    subkey(label, keyId = content.current) {
      const name = `${keyId}/${label}`;
      const known = derived.get(name);
      if (known) return known;

      const secret = secrets.get(keyId);
      if (!secret) throw new Error(`the keyring has no key ${keyId}`);
      const key = Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), `gatewright/${name}`, 32));
      derived.set(name, key);
      return key;
    },
  };
}

export function newKeyring(clock: Clock = systemClock): KeyringFile {
  const id = randomBytes(4).toString('hex');
  return {
    version: 1,
    id: randomBytes(8).toString('hex'),
    current: id,
    keys: [{ id, secret: randomBytes(32).toString('base64'), createdAt: new Date(clock()).toISOString() }],
  };
}

function readOrCreate(file: string, mayCreate: boolean): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (err) {
    const code = (err as NodeJS.ErrnoException).code;
    if (code !== 'ENOENT') {
      throw new OperatorProblem(
        `the keyring ${file} cannot be read (${code}): make it readable for the user that runs Gatewright`,
      );
    }
    if (!mayCreate) {
      throw new OperatorProblem(
        `the keyring ${file} is missing although the database holds data sealed with it: put the file back from its backup, or set KEYS_DIR to where it is`,
      );
    }
  }
  try {
    mkdirSync(path.dirname(file), { recursive: true });
    chmodSync(path.dirname(file), 0o700);
    // Written aside and linked into place, so that of two first starts one wins and neither reads half a file.
    // Its name is random because two containers that share the folder may both be process 1.
    const draft = `${file}.${randomBytes(6).toString('hex')}.new`;
    writeFileSync(draft, `${JSON.stringify(newKeyring(), null, 2)}\n`, { mode: 0o600, flag: 'wx', flush: true });
    chmodSync(draft, 0o600);
    try {
      linkSync(draft, file);
    } catch (err) {
      if ((err as NodeJS.ErrnoException).code !== 'EEXIST') throw err;
    } finally {
      unlinkSync(draft);
    }
    return readFileSync(file, 'utf8');
  } catch (err) {
    throw new OperatorProblem(
      `the keyring ${file} cannot be written (${(err as NodeJS.ErrnoException).code}): make its folder writable for the user that runs Gatewright, or set KEYS_DIR`,
    );
  }
}

function parse(text: string, file: string): KeyringFile {
  try {
    const content = JSON.parse(text) as KeyringFile;
    const usable =
      content.version === 1 &&
      typeof content.id === 'string' &&
      content.keys.every((key) => /^[a-z0-9]{8}$/.test(key.id) && Buffer.from(key.secret, 'base64').length === 32) &&
      content.keys.some((key) => key.id === content.current);
    if (usable) return content;
  } catch {
    // Falls through to the same sentence: an operator cannot do more about one than about the other.
  }
  throw new OperatorProblem(`the keyring ${file} is damaged: put it back from its backup`);
}
