import { createReadStream } from 'node:fs';
import { Failure } from './failure.ts';

const LONGEST_LINE = 64 * 1024;

export interface Line {
  /** From 1. */
  number: number;
  text: string;
  /** Bytes of the file up to and with it. */
  end: number;
}

/** The lines of a file that are not empty, one at a time: it may be larger than memory. @throws {Failure} */
export async function* linesOf(file: string): AsyncGenerator<Line> {
  let rest = Buffer.alloc(0);
  let number = 0;
  let end = 0;
  for await (const chunk of chunksOf(file)) {
    let from = 0;
    const bytes = Buffer.concat([rest, chunk]);
    for (let to = bytes.indexOf('\n'); to !== -1; to = bytes.indexOf('\n', from)) {
      end += to + 1 - from;
      number += 1;
      yield* notEmpty({ number, text: bytes.toString('utf8', from, to), end });
      from = to + 1;
    }
    rest = bytes.subarray(from);
    if (rest.length > LONGEST_LINE) {
      throw new Failure(`line ${number + 1} is longer than ${LONGEST_LINE} bytes: one account is one line of JSON`);
    }
  }
  yield* notEmpty({ number: number + 1, text: rest.toString('utf8'), end: end + rest.length });
}

function* notEmpty(line: Line): Generator<Line> {
  if (line.text.trim() !== '') yield line;
}

async function* chunksOf(file: string): AsyncGenerator<Buffer> {
  try {
    yield* createReadStream(file) as AsyncIterable<Buffer>;
  } catch (err) {
    const { code } = err as NodeJS.ErrnoException;
    if (code === undefined) throw err;
    throw new Failure(`${file} cannot be read (${code})`);
  }
}
