import { readFileSync } from 'node:fs';
import { Failure } from './failure.ts';

/**
 * Of a file that holds one secret, with or without a line break after it.
 * @throws {Failure}
 */
export function firstLineOf(file: string): string {
  return textOf(file).split(/\r?\n/)[0] ?? '';
}

function textOf(file: string): string {
  try {
    // Without the byte order mark of some editors. Bytes that are no text would all become the same character.
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (err) {
    const { code } = err as NodeJS.ErrnoException;
    throw new Failure(
      code === 'ERR_ENCODING_INVALID_ENCODED_DATA'
        ? `${file} holds bytes that are no text: write what is in it as base64, say`
        : `${file} cannot be read (${code})`,
    );
  }
}
