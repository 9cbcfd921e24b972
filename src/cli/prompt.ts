import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { Failure, UsageFailure } from './failure.ts';
import { printable } from './layout.ts';

const INPUT_MAX = 64 * 1024;

/**
 * For what cannot be undone. Checked at once, asked later, when it is known what it is about.
 * @throws {UsageFailure} where nobody can be asked
 */
export function confirmation({ yes }: { yes?: boolean }): (question: string) => Promise<void> {
  if (yes) return async () => {};
  if (!process.stdin.isTTY) {
    throw new UsageFailure('this cannot be undone and there is no terminal to ask on: confirm with --yes');
  }
  return async (question) => {
    const answer = await ask(`${question} [y/N] `, { hidden: false });
    if (!/^y(es)?$/i.test(answer.trim())) throw new Failure('nothing was changed');
  };
}

/** @throws {UsageFailure} where a password can neither be asked for nor read */
export function checkPasswordSource({ passwordStdin = false }: { passwordStdin?: boolean }): void {
  if (process.stdin.isTTY || passwordStdin) return;
  throw new UsageFailure('there is no terminal to ask for the password on: pipe it in, with --password-stdin');
}

/** Twice from a terminal, unseen, or once from a pipe; never from the command line, which all users of a machine can read. */
export async function readPassword(): Promise<string> {
  return process.stdin.isTTY ? askTwice('Password') : readLine();
}

/** @param what with a capital */
export async function askTwice(what: string): Promise<string> {
  const first = await askUnseen(what);
  const again = await askUnseen('The same again');
  if (first !== again) throw new Failure(`the two ${what.toLowerCase()}s differ: nothing was changed`);
  return first;
}

export function askUnseen(what: string): Promise<string> {
  return ask(`${what}: `, { hidden: true });
}

/** From a pipe. */
export async function readLine(what = 'password'): Promise<string> {
  let text = '';
  process.stdin.setEncoding('utf8');
  for await (const chunk of process.stdin) {
    text += chunk;
    if (text.length > INPUT_MAX) break;
  }
  const line = text.replace(/\r?\n$/, '');
  if (/[\r\n]/.test(line)) throw new Failure(`the ${what} on standard input has more than one line`);
  return line;
}

/** Asks on standard error, so that standard output stays clean. */
function ask(question: string, { hidden }: { hidden: boolean }): Promise<string> {
  const silence = new Writable({ write: (_chunk, _encoding, done) => done() });
  const output = hidden ? silence : process.stderr;
  const reader = createInterface({ input: process.stdin, output, terminal: true, historySize: 0 });
  if (hidden) process.stderr.write(question);

  return new Promise<string>((resolve, reject) => {
    let answered = false;
    reader.on('close', () => {
      // Unseen, or given up by Ctrl-C or Ctrl-D: the cursor is still behind the question.
      if (hidden || !answered) process.stderr.write('\n');
      reject(new Failure('nothing was changed'));
    });
    reader.question(hidden ? '' : printable(question), (answer) => {
      answered = true;
      resolve(answer);
      reader.close();
    });
  });
}
