import { OperatorProblem } from '../../lib/errors.ts';
import { keyedHash, sameText } from '../../lib/hash.ts';
import type { Keyring } from '../../lib/keyring.ts';

const FORMAT = 1;

/** The only names that a backup may hold, in the order in which it holds them. */
export const MANIFEST = 'manifest.json';
export const PARTS = ['keyring.sealed', 'state.db', 'gatewright.db'] as const;
export type PartName = (typeof PARTS)[number];

export interface Part {
  name: PartName;
  size: number;
  /** Hex. */
  sha256: string;
}

export interface Manifest {
  format: typeof FORMAT;
  /** Version of the program that made it. */
  program: string;
  createdAt: string;
  issuer: string;
  keyringId: string;
  /** Of the key under which the whole is authenticated. */
  keyId: string;
  migrations: string[];
  parts: Part[];
}

export function writeManifest(manifest: Omit<Manifest, 'format' | 'keyId'>, keyring: Keyring): string {
  const content: Manifest = { format: FORMAT, ...manifest, keyId: keyring.currentKeyId };
  return JSON.stringify({ ...content, mac: macOf(content, keyring) }, null, 2);
}

export interface ReadManifest {
  manifest: Manifest;
  /**
   * Who can write to where backups are kept could otherwise put an account of theirs into one, checksums and all.
   * @throws {OperatorProblem} where it was not made with this keyring, or was changed since
   */
  authenticate(keyring: Keyring): void;
}

/** @throws {OperatorProblem} */
export function readManifest(text: string, file: string): ReadManifest {
  const { mac, ...manifest } = parse(text, file);
  if (manifest.format > FORMAT) {
    throw new OperatorProblem(
      `${file} was made by a newer Gatewright (${manifest.program}): restore it with that version`,
    );
  }
  if (!isComplete(manifest)) throw damaged(file, 'its manifest is not complete');
  return {
    manifest,
    authenticate(keyring) {
      if (!keyring.keyIds.includes(manifest.keyId)) {
        throw new OperatorProblem(
          `${file} was made with key ${manifest.keyId}, which this keyring holds no more: put back the keyring.json of that time`,
        );
      }
      if (!sameText(mac, macOf(manifest, keyring))) throw damaged(file, 'it was changed after it was made');
    },
  };
}

export function damaged(file: string, what: string, cause?: unknown): OperatorProblem {
  return new OperatorProblem(`${file} is not an intact backup (${what}): use another one`, { cause });
}

function parse(text: string, file: string): Manifest & { mac: string } {
  try {
    const content = JSON.parse(text) as Manifest & { mac: string };
    if (typeof content.format === 'number' && typeof content.mac === 'string') return content;
  } catch {
    // Falls through to the same sentence.
  }
  throw damaged(file, 'its manifest cannot be read');
}

function isComplete({ createdAt, issuer, keyringId, keyId, migrations, parts }: Manifest): boolean {
  const names = Array.isArray(parts) ? parts.map((part) => part?.name) : [];
  return (
    [createdAt, issuer, keyringId, keyId].every((value) => typeof value === 'string') &&
    Array.isArray(migrations) &&
    names.every((name) => typeof name === 'string') &&
    names.includes('state.db') &&
    names.includes('gatewright.db')
  );
}

function macOf(content: Manifest, keyring: Keyring): string {
  const { format, program, createdAt, issuer, keyringId, keyId, migrations } = content;
  const parts = content.parts.map(({ name, size, sha256 }) => [name, size, sha256]);
  const text = JSON.stringify([format, program, createdAt, issuer, keyringId, keyId, migrations, parts]);
  return keyedHash(keyring.subkey('backup', keyId), text);
}
