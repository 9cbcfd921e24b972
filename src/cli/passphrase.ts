import { Failure, UsageFailure } from './failure.ts';
import { firstLineOf } from './first-line.ts';
import { askTwice, askUnseen } from './prompt.ts';

/** Whoever has the file may try as many as they like, for ever. */
const SHORTEST = 15;

export interface PassphraseOptions {
  passphraseFile?: string;
}

/** @throws {UsageFailure} where it can neither be asked for nor read */
export function checkPassphraseSource({ passphraseFile }: PassphraseOptions): void {
  if (passphraseFile !== undefined || process.stdin.isTTY) return;
  throw new UsageFailure('there is no terminal to ask for the passphrase on: name a file with --passphrase-file');
}

export async function newPassphrase({ passphraseFile }: PassphraseOptions): Promise<string> {
  const passphrase = passphraseFile === undefined ? await askTwice('Passphrase') : firstLineOf(passphraseFile);
  if ([...passphrase].length < SHORTEST)
    throw new Failure(`the passphrase is too short: it needs ${SHORTEST} characters`);
  return passphrase;
}

export async function knownPassphrase({ passphraseFile }: PassphraseOptions): Promise<string> {
  return passphraseFile === undefined ? askUnseen('Passphrase') : firstLineOf(passphraseFile);
}
