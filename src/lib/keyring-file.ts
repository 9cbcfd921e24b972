import { randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { type Clock, systemClock } from './clock.ts';
import type { Milliseconds } from './duration.ts';
import { OperatorProblem } from './errors.ts';

export interface KeyringFile {
  version: 2;
  id: string;
  keys: KeyringKey[];
}

/** Times are ISO 8601. The key whose `activatesAt` came last is the current one. */
export interface KeyringKey {
  id: string;
  /** 32 bytes, base64. */
  secret: string;
  createdAt: string;
  activatesAt: string;
}

/** How it was written while there was no way to replace a key. */
interface KeyringFile1 {
  version: 1;
  id: string;
  current: string;
  keys: Omit<KeyringKey, 'activatesAt'>[];
}

const FILE = 'keyring.json';
export function newKeyring(clock: Clock = systemClock): KeyringFile {
  return { version: 2, id: randomBytes(8).toString('hex'), keys: [newKey(clock(), clock)] };
}

export function newKey(activatesAt: Milliseconds, clock: Clock): KeyringKey {
  return {
    id: randomBytes(4).toString('hex'),
    secret: randomBytes(32).toString('base64'),
    createdAt: new Date(clock()).toISOString(),
    activatesAt: new Date(activatesAt).toISOString(),
  };
}

/** @throws {OperatorProblem} */
export function readKeyringFile(folder: string): KeyringFile {
  const file = fileIn(folder);
  const text = readIfThere(file);
  if (text === null) throw missing(file);
  return parse(text, file);
}

/** What tells one state of the file from another, without reading it. @throws {OperatorProblem} */
export function stampOf(folder: string): string {
  const file = fileIn(folder);
  try {
    const { ino, mtimeMs, size } = statSync(file);
    return `${ino}/${mtimeMs}/${size}`;
  } catch (err) {
    throw codeOf(err) === 'ENOENT' ? missing(file) : unreadable(file, err);
  }
}

export function fileIn(folder: string): string {
  return path.join(folder, FILE);
}

/** @throws {OperatorProblem} where it is there and cannot be read */
export function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (err) {
    if (codeOf(err) === 'ENOENT') return null;
    throw unreadable(file, err);
  }
}

function parse(text: string, file: string): KeyringFile {
  try {
    const content = upToDate(JSON.parse(text) as KeyringFile | KeyringFile1);
    if (content && isUsable(content)) return content;
  } catch {
    // Falls through to the same sentence: an operator cannot do more about one than about the other.
  }
  throw new OperatorProblem(`the keyring ${file} is damaged: put it back from its backup`);
}

function upToDate(content: KeyringFile | KeyringFile1): KeyringFile | null {
  if (content.version === 2) return content;
  if (content.version !== 1 || !content.keys.some(({ id }) => id === content.current)) return null;
  const startOfTime = new Date(0).toISOString();
  const activatesAt = ({ id, createdAt }: { id: string; createdAt: string }) =>
    id === content.current ? createdAt : startOfTime;
  return { version: 2, id: content.id, keys: content.keys.map((key) => ({ ...key, activatesAt: activatesAt(key) })) };
}

function isUsable({ id, keys }: KeyringFile): boolean {
  const ids = new Set(keys.map((key) => key.id));
  return (
    typeof id === 'string' &&
    keys.length > 0 &&
    ids.size === keys.length &&
    keys.every(
      (key) =>
        /^[a-z0-9]{8}$/.test(key.id) &&
        Buffer.from(key.secret, 'base64').length === 32 &&
        [key.createdAt, key.activatesAt].every((time) => Number.isFinite(Date.parse(time))),
    )
  );
}

function missing(file: string): OperatorProblem {
  return new OperatorProblem(
    `the keyring ${file} is missing although the database holds data sealed with it: put the file back from its backup, or set KEYS_DIR to where it is`,
  );
}

function unreadable(file: string, err: unknown): OperatorProblem {
  return new OperatorProblem(
    `the keyring ${file} cannot be read (${codeOf(err)}): make it readable for the user that runs Gatewright`,
  );
}

function codeOf(err: unknown): string | undefined {
  return (err as NodeJS.ErrnoException).code;
}
