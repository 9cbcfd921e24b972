import cliProgress from 'cli-progress';
import { printable } from './layout.ts';
import type { Output } from './output.ts';

const TENTHS = 10;

export interface ProgressBar {
  to(done: number): void;
  /** All of it, however much that turned out to be. */
  done(): void;
}

/**
 * How far a long command is, on standard error: a bar on a terminal, a line for every tenth elsewhere, nothing for
 * programs. Import it inside the action that needs it.
 * @param total may turn out too small: rows are added while a command runs
 */
export function progressBar(out: Output, label: string, total: number): ProgressBar {
  if (out.json) return { to: () => {}, done: () => {} };
  return process.stderr.isTTY ? bar(label, total) : lines(label, total);
}

function bar(label: string, total: number): ProgressBar {
  // Its own handling of SIGINT would take the first Ctrl-C for itself. Without it nothing may need to be undone.
  const shown = new cliProgress.SingleBar({
    ...{ format: `${printable(label)} [{bar}] {percentage} %`, stream: process.stderr },
    ...{ gracefulExit: false, linewrap: true },
  });
  shown.start(Math.max(total, 1), 0);
  return {
    to: (done) => shown.update(Math.min(done, total)),
    done() {
      shown.update(shown.getTotal());
      shown.stop();
    },
  };
}

function lines(label: string, total: number): ProgressBar {
  let said = 0;
  function say(tenth: number): void {
    if (tenth <= said) return;
    said = tenth;
    process.stderr.write(`${printable(label)}: ${tenth * TENTHS} %\n`);
  }
  return {
    to: (done) => say(Math.min(TENTHS - 1, Math.floor((TENTHS * done) / Math.max(total, 1)))),
    done: () => say(TENTHS),
  };
}
