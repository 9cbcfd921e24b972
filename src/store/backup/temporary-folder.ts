import { mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';

const ENDINGS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface TemporaryFolder {
  path: string;
  /** With everything in it. */
  remove(): void;
}

/**
 * For this user only, because a whole installation lies in it for a while. Removed also where the program is told to end,
 * which then ends as if that had not been heard.
 */
export function temporaryFolder(parent: string, prefix: string): TemporaryFolder {
  const made = mkdtempSync(path.join(parent, prefix));
  function end(signal: NodeJS.Signals): void {
    remove();
    process.kill(process.pid, signal);
  }
  function remove(): void {
    for (const signal of ENDINGS) process.off(signal, end);
    rmSync(made, { recursive: true, force: true });
  }
  for (const signal of ENDINGS) process.on(signal, end);
  return { path: made, remove };
}
