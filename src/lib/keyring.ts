import { hkdfSync } from 'node:crypto';
import { type Clock, systemClock } from './clock.ts';
import { type Milliseconds, type Seconds, toMilliseconds } from './duration.ts';
import { OperatorProblem } from './errors.ts';
import { fileIn, type KeyringFile, readKeyringFile, stampOf } from './keyring-file.ts';
import { makeKeyringFile } from './keyring-writing.ts';

/** How often a server looks whether the file has changed. */
const LOOK_EVERY: Seconds = 10;
/** Made-up key ids and signatures cause no more looks than this. */
const COOL_DOWN: Milliseconds = 1_000;

/**
 * The secrets from which every other secret of an installation is derived. Lose it, and what is sealed is lost. It is
 * alive: what another process writes into the file is known here, at the latest when something is met that needs it.
 */
export interface Keyring {
  /** Recorded in the database at first start, so that the two are never mixed up. */
  readonly id: string;
  /** New records are sealed under this key. All instances agree on it by the clock. */
  readonly currentKeyId: string;
  /** Every key that still opens something, the current one first. Ids are 8 characters of a-z0-9. */
  readonly keyIds: readonly string[];
  /** The same keys by when they take over, the last one first. */
  readonly keys: readonly KeyTimes[];
  /**
   * 32 bytes for one use (`label`), by HKDF-SHA-256 (RFC 5869). The same label and key id give the same bytes.
   * @throws {UnknownKey}
   */
  subkey(label: string, keyId?: string): Buffer;
  has(keyId: string): boolean;
  /** Whether the keys for one use include one that passes: for what was made under one of them and does not say which. */
  someKey(label: string, passes: (key: Buffer) => boolean): boolean;
  /** Takes up what has changed in the file. One that cannot be used changes nothing. */
  look(): void;
  /** Looks regularly from now on, and tells what comes of it. */
  watch(events: KeyringEvents): void;
  close(): void;
}

export interface KeyTimes {
  id: string;
  createdAt: Milliseconds;
  activatesAt: Milliseconds;
}

export interface KeyringEvents {
  changed(keyIds: readonly string[]): void;
  failed(problem: Error): void;
}

export class UnknownKey extends Error {
  override name = 'UnknownKey';

  constructor(keyId: string) {
    super(`the keyring has no key ${keyId}`);
  }
}

/** Opens `folder/keyring.json`, or makes it at the very first start. @throws {OperatorProblem} */
export function openKeyring(
  folder: string,
  { mayCreate, clock = systemClock }: { mayCreate: boolean; clock?: Clock },
): Keyring {
  if (mayCreate) makeKeyringFile(folder, clock);
  // Before the content: what is written in between is read again rather than missed.
  let stamp = stampIfThere(folder);
  const first = readKeyringFile(folder);

  return createKeyring(first, clock, (known) => {
    const now = stampOf(folder);
    if (now === stamp) return null;
    const content = readKeyringFile(folder);
    stamp = now;
    checkSuccession(content, known, fileIn(folder));
    return content;
  });
}

/** One that never changes. */
export function keyringFrom(content: KeyringFile, clock: Clock = systemClock): Keyring {
  return createKeyring(content, clock, () => null);
}

interface Known {
  id: string;
  current: KeyTimes;
  secrets: ReadonlyMap<string, Buffer>;
}

function createKeyring(first: KeyringFile, clock: Clock, reread: (known: Known) => KeyringFile | null): Keyring {
  let ring = ringOf(first);
  let lookedAt = Number.NEGATIVE_INFINITY;
  let lastProblem: string | null = null;
  let events: KeyringEvents | null = null;
  let timer: NodeJS.Timeout | null = null;

  /** Where the clock is behind them all, the one that was there first. */
  function current(): KeyTimes {
    const now = clock();
    return (ring.keys.find(({ activatesAt }) => activatesAt <= now) ?? ring.keys.at(-1)) as KeyTimes;
  }
  const keyIds = () => [...new Set([current().id, ...ring.keys.map(({ id }) => id)])];

  function look(): void {
    lookedAt = clock();
    try {
      const content = reread({ id: first.id, current: current(), secrets: ring.secrets });
      lastProblem = null;
      if (content === null) return;
      ring = ringOf(content);
      events?.changed(keyIds());
    } catch (err) {
      const problem = err as Error;
      if (problem.message !== lastProblem) events?.failed(problem);
      lastProblem = problem.message;
    }
  }
  /** For what only a key could open that is not here. A clock that was set back must not end all looks. */
  function lookAgain(): void {
    if (Math.abs(clock() - lookedAt) >= COOL_DOWN) look();
  }

  function has(keyId: string): boolean {
    if (!ring.secrets.has(keyId)) lookAgain();
    return ring.secrets.has(keyId);
  }
  function subkey(label: string, keyId = current().id): Buffer {
    if (!has(keyId)) throw new UnknownKey(keyId);
    const { secrets, derived } = ring;
    const name = `${keyId}/${label}`;
    const known = derived.get(name);
    if (known) return known;

    const secret = secrets.get(keyId) as Buffer;
    const key = Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), `gatewright/${name}`, 32));
    derived.set(name, key);
    return key;
  }
  const passesNow = (label: string, passes: (key: Buffer) => boolean) =>
    keyIds().some((keyId) => passes(subkey(label, keyId)));

  return {
    id: first.id,
    get currentKeyId() {
      return current().id;
    },
    get keyIds() {
      return keyIds();
    },
    get keys() {
      return ring.keys;
    },
    ...{ subkey, has, look },
    someKey(label, passes) {
      if (passesNow(label, passes)) return true;
      const before = ring;
      lookAgain();
      return ring !== before && passesNow(label, passes);
    },
    watch(listener) {
      events = listener;
      lastProblem = null;
      timer ??= setInterval(look, toMilliseconds(LOOK_EVERY)).unref();
    },
    close() {
      if (timer) clearInterval(timer);
    },
  };
}

function ringOf({ keys }: KeyringFile) {
  const times = keys.map(({ id, createdAt, activatesAt }) => ({
    ...{ id, createdAt: Date.parse(createdAt), activatesAt: Date.parse(activatesAt) },
  }));
  return {
    keys: times.toSorted((a, b) => b.activatesAt - a.activatesAt || b.createdAt - a.createdAt),
    secrets: new Map(keys.map(({ id, secret }) => [id, Buffer.from(secret, 'base64')])),
    derived: new Map<string, Buffer>(),
  };
}

/** @throws {OperatorProblem} for a file that is not what came of the one that is open, but another or an earlier one */
function checkSuccession(content: KeyringFile, { id, current, secrets }: Known, file: string): void {
  if (content.id !== id) {
    throw new OperatorProblem(
      `${file} is now keyring ${content.id}, but this program runs with keyring ${id}: put the right keyring.json back`,
    );
  }
  const changed = content.keys.find((key) => secrets.get(key.id)?.equals(Buffer.from(key.secret, 'base64')) === false);
  if (changed) {
    throw new OperatorProblem(
      `${file} now has another secret for the key ${changed.id}, which opens nothing: put the right keyring.json back`,
    );
  }
  const follows = content.keys.some(
    (key) => key.id === current.id || Date.parse(key.activatesAt) > current.activatesAt,
  );
  if (!follows) {
    throw new OperatorProblem(
      `${file} is now an earlier copy without the key ${current.id}, which is in use: put the newest keyring.json back`,
    );
  }
}

/** Where it is missing, reading it says so better. */
function stampIfThere(folder: string): string | null {
  try {
    return stampOf(folder);
  } catch {
    return null;
  }
}
