import { appendFileSync, readFileSync } from 'node:fs';
import { OperatorProblem } from '../lib/errors.ts';
import { type Logger, reasonOf } from '../lib/log.ts';
import type { SignedHead } from './chain.ts';

/** Only ever added to, so that the file may be one that nobody can shorten (`chattr +a`). */
export function headsTo({ file, log }: { file: string | null; log: Logger }): (head: SignedHead) => void {
  return (head) => {
    const line = { ...head, at: new Date(head.at).toISOString() };
    log.info({ head: line }, 'audit trail sealed');
    if (file === null) return;
    try {
      appendFileSync(file, `${JSON.stringify(line)}\n`, { mode: 0o600 });
    } catch (err) {
      log.error({ reason: reasonOf(err) }, 'AUDIT_HEAD_FILE cannot be written to');
    }
  };
}

/** Every head in a file that was written so; what else is in it may be the lines of a log. @throws {OperatorProblem} */
export function readHeads(file: string): SignedHead[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (err) {
    throw new OperatorProblem(`${file} cannot be read (${(err as NodeJS.ErrnoException).code}): name another file`, {
      cause: err,
    });
  }
  const heads = text.split('\n').flatMap((line) => headIn(line) ?? []);
  if (heads.length === 0) throw new OperatorProblem(`${file} holds no head of an audit trail: name another file`);
  return heads;
}

function headIn(line: string): SignedHead | null {
  try {
    const found = JSON.parse(line);
    const { sequence, hash, at, mac } = found.head ?? found;
    const isHead = Number.isSafeInteger(sequence) && [hash, at, mac].every((value) => typeof value === 'string');
    return isHead ? { sequence, hash, at: Date.parse(at), mac } : null;
  } catch {
    return null;
  }
}
