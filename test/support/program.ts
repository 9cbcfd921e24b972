import { type ChildProcess, spawn } from 'node:child_process';
import process from 'node:process';

export interface Program {
  /** Everything that it has printed so far. */
  said(): string;
  /** Waits until it has printed this. Fails, with what it said instead, where it ends before. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
  /** With which status it ends by itself. */
  ended: Promise<number | null>;
  stop(): Promise<void>;
}

/** A program as a process of its own, with no environment but this. */
export function startProgram(command: string, args: string[], env: Record<string, string> = {}): Program {
  const { PATH = '' } = process.env;
  const child: ChildProcess = spawn(command, args, { env: { PATH, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  let isOver = false;
  const listeners = new Set<() => void>();
  const changed = () => {
    for (const listener of listeners) listener();
  };
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      text += chunk;
      changed();
    });
  }
  const { promise: ended, resolve } = Promise.withResolvers<number | null>();
  child.once('close', (status) => {
    isOver = true;
    resolve(status);
    changed();
  });
  return {
    said: () => text,
    says: (pattern) =>
      new Promise((found, failed) => {
        const look = () => {
          const match = pattern.exec(text);
          if (match) found(match);
          else if (isOver) failed(new Error(`it ended without saying ${pattern}: ${text}`));
          else return;
          listeners.delete(look);
        };
        listeners.add(look);
        look();
      }),
    ended,
    async stop() {
      if (!isOver) child.kill('SIGKILL');
      await ended;
    },
  };
}
