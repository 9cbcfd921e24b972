import type { Milliseconds } from './duration.ts';

/** Work that is done again and again. */
export interface Repeated {
  /** Does it now; whoever asks while it is under way gets the same promise. */
  run(): Promise<void>;
  /** For work that takes long: to begin nothing more. */
  readonly stopped: boolean;
  /** Waits for what is under way. */
  stop(): Promise<void>;
}

/** Does `work` so often, never twice at the same time in one process, until stopped. Holds no process up. */
export function repeat(every: Milliseconds, work: () => Promise<void>, failed: (err: unknown) => void): Repeated {
  let running: Promise<void> | null = null;
  let stopped = false;

  function run(): Promise<void> {
    running ??= work()
      .catch(failed)
      .finally(() => {
        running = null;
      });
    return running;
  }

  const timer = setInterval(run, every);
  timer.unref();
  return {
    run,
    get stopped() {
      return stopped;
    },
    async stop() {
      clearInterval(timer);
      stopped = true;
      await running;
    },
  };
}
