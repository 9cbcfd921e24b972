import { type FSWatcher, readFileSync, watch } from 'node:fs';
import path from 'node:path';
import { MINUTE, type Milliseconds, toMilliseconds } from '../lib/duration.ts';
import { OperatorProblem } from '../lib/errors.ts';
import { sha256 } from '../lib/hash.ts';
import type { Logger } from '../lib/log.ts';

/** Certificate and key are written one after the other. */
const SETTLED: Milliseconds = 200;
/** For file systems that tell nobody of a change. */
const LOOK_ANYWAY: Milliseconds = toMilliseconds(MINUTE);

export interface NamedFile {
  /** The variable that names it. */
  variable: string;
  file: string;
}

export interface Followed<T> {
  current(): T;
  close(): void;
}

interface FollowedDeps<T> {
  files: readonly NamedFile[];
  /** @throws {OperatorProblem} for what cannot be used */
  parse(contents: readonly string[]): T;
  onChange?(value: T): void;
  log: Logger;
  lookAnyway?: Milliseconds;
}

/**
 * What stands in files that are replaced while this program runs. What cannot be used then is told once, and what was
 * there before stays.
 * @throws {OperatorProblem} where it cannot be used from the start
 */
export function followFiles<T>(deps: FollowedDeps<T>): Followed<T> {
  const { files, parse, onChange, log, lookAnyway = LOOK_ANYWAY } = deps;
  const names = files.map(({ file }) => file);
  const first = files.map(readNamed);
  let value = parse(first);
  let seen = sha256(JSON.stringify(first));

  function look(): void {
    let found = '';
    try {
      const contents = files.map(readNamed);
      found = sha256(JSON.stringify(contents));
      if (found === seen) return;
      value = parse(contents);
      onChange?.(value);
      log.info({ files: names }, 'replaced files are used from now on');
    } catch (err) {
      if (!(err instanceof OperatorProblem)) throw err;
      found ||= err.message;
      if (found !== seen)
        log.error({ files: names, reason: err.message }, 'replaced files cannot be used: the old stay');
    }
    seen = found;
  }

  let settling: NodeJS.Timeout | undefined;
  const onEvent = () => {
    clearTimeout(settling);
    settling = setTimeout(look, SETTLED).unref();
  };
  // The folder, since a file that is renamed into its place is another one.
  const folders = new Set(names.map((name) => path.dirname(name)));
  const watchers = [...folders].flatMap((folder) => watchFolder(folder, onEvent));
  const timer = setInterval(look, lookAnyway).unref();

  return {
    current: () => value,
    close() {
      for (const watcher of watchers) watcher.close();
      clearInterval(timer);
      clearTimeout(settling);
    },
  };
}

/** @throws {OperatorProblem} */
export function readNamed({ variable, file }: NamedFile): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (err) {
    const { code } = err as NodeJS.ErrnoException;
    throw new OperatorProblem(`${variable}: ${file} cannot be read (${code}): name a file that can`, { cause: err });
  }
}

/** None where the system has no watcher left: there is the look at intervals. */
function watchFolder(folder: string, onEvent: () => void): FSWatcher[] {
  try {
    return [watch(folder, { persistent: false }, onEvent).on('error', () => {})];
  } catch {
    return [];
  }
}
