import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream, statSync } from 'node:fs';
import path from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { create, Parser, type ReadEntry } from 'tar';
import { OperatorProblem } from '../../lib/errors.ts';
import { damaged, MANIFEST, PARTS, type Part, type PartName, type ReadManifest, readManifest } from './manifest.ts';

const LARGEST_MANIFEST = 64 * 1024;

type OnBytes = (count: number) => void;

/** @param file made 0600; must not be there yet */
export async function pack(folder: string, names: readonly string[], file: string, onBytes: OnBytes): Promise<void> {
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      onBytes(chunk.length);
      done(null, chunk);
    },
  });
  const entries = create({ cwd: folder, portable: true, strict: true }, [...names]);
  const written = createWriteStream(file, { mode: 0o600, flags: 'wx', flush: true });
  await pipeline(entries, counted, createGzip(), written);
}

/**
 * Takes the known parts of a backup into a folder, under names of ours: what else an archive holds, and whatever else it
 * calls them, is refused.
 * @throws {OperatorProblem}
 */
export async function unpack(file: string, folder: string, onBytes: OnBytes): Promise<ReadManifest> {
  const found = new Map<string, Part>();
  let read: ReadManifest | undefined;
  let failure: unknown;
  let taken: Promise<unknown> = Promise.resolve();

  async function take(entry: ReadEntry): Promise<void> {
    const name = entry.path;
    if (found.has(name)) throw damaged(file, 'it holds a part twice');
    if (!read) {
      if (name !== MANIFEST || entry.size > LARGEST_MANIFEST)
        throw damaged(file, 'it does not begin with its manifest');
      read = readManifest((await entry.concat()).toString('utf8'), file);
      return;
    }
    const expected = read.manifest.parts.find((part) => part.name === name);
    if (!isPart(name) || expected?.size !== entry.size) throw damaged(file, 'it holds what its manifest does not name');
    found.set(name, await extract(entry, name, folder));
  }

  const parser = new Parser({
    strict: true,
    onReadEntry(entry) {
      // The next one may be announced before the last bytes of this one are written.
      taken = taken
        .then(() => (failure ? entry.resume() : take(entry)))
        .catch((err: unknown) => {
          failure ??= err;
          entry.resume();
        });
    },
  });
  parser.on('error', (err: unknown) => {
    failure ??= damaged(file, (err as Error).message, err);
  });
  await feed(parser, file, onBytes, () => failure);
  await taken;
  if (failure) throw failure;
  if (!read) throw damaged(file, 'it is empty');
  for (const { name, sha256 } of read.manifest.parts) {
    const part = found.get(name);
    if (part?.sha256 !== sha256) throw damaged(file, part ? `${name} was changed` : `${name} is missing`);
  }
  return read;
}

async function feed(parser: Parser, file: string, onBytes: OnBytes, failure: () => unknown): Promise<void> {
  const ended = new Promise<void>((resolve) => {
    parser.once('end', resolve);
    parser.once('error', () => resolve());
  });
  try {
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
      if (failure()) return;
      onBytes(chunk.length);
      if (!parser.write(chunk)) await Promise.race([once(parser, 'drain'), ended]);
    }
  } catch (err) {
    const { code } = err as NodeJS.ErrnoException;
    throw code ? new OperatorProblem(`${file} cannot be read (${code})`, { cause: err }) : err;
  }
  parser.end();
  await ended;
}

async function extract(entry: ReadEntry, name: PartName, folder: string): Promise<Part> {
  const hash = createHash('sha256');
  const hashed = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  const written = createWriteStream(path.join(folder, name), { mode: 0o600, flags: 'wx', flush: true });
  await pipeline(entry, hashed, written);
  return { name, size: entry.size, sha256: hash.digest('hex') };
}

export async function describePart(folder: string, name: PartName): Promise<Part> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path.join(folder, name)), hash);
  return { name, size: statSync(path.join(folder, name)).size, sha256: hash.digest('hex') };
}

function isPart(name: string): name is PartName {
  return (PARTS as readonly string[]).includes(name);
}
