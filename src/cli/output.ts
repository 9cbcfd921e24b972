import type { Report } from './failure.ts';
import { printable } from './layout.ts';

/** Results go to standard output, everything else to standard error, so that pipes carry nothing but results. */
export interface Output {
  /** @param text for people @param value for programs, printed instead of the text with `--json` */
  result(text: string, value: unknown): void;
  warn(sentence: string): void;
  fail(report: Report): void;
  /** The result is for a program: nothing else is said that a person might like. */
  json: boolean;
  /** Columns of the terminal; null where the output goes elsewhere and may be as wide as it likes. */
  width: number | null;
}

export function createOutput({ json }: { json: boolean }): Output {
  const print = (text: string) => process.stdout.write(`${lines(text)}\n`);
  const complain = (text: string) => process.stderr.write(`${lines(text)}\n`);

  return {
    json,
    width: process.stdout.isTTY ? process.stdout.columns : null,
    result: (text, value) => print(json ? JSON.stringify(value, null, 2) : text),
    warn: (sentence) => complain(json ? JSON.stringify({ warning: sentence }) : `gatewright: warning: ${sentence}`),
    fail({ error, problems }) {
      if (json) complain(JSON.stringify({ error, ...(problems.length > 0 && { problems }) }));
      else if (problems.length === 0) complain(`gatewright: ${error}`);
      else complain([`gatewright: ${error}:`, ...problems.map((problem) => `  - ${problem}`)].join('\n'));
    },
  };
}

function lines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}
