import { CommanderError } from 'commander';
import { ConfigError } from '../config/env.ts';
import { OperatorProblem } from '../lib/errors.ts';

const FAILED = 1;
const WRONG_USAGE = 2;
/** EX_CONFIG of sysexits.h */
const BAD_CONFIGURATION = 78;

/** The command was understood and could not be done. The message is one sentence that says what to do. */
export class Failure extends Error {
  override name = 'Failure';
  readonly problems: readonly string[];

  constructor(message: string, problems: readonly string[] = []) {
    super(message);
    this.problems = problems;
  }
}

/** The command line itself is wrong. */
export class UsageFailure extends Error {
  override name = 'UsageFailure';
  /** Whose help to read. */
  readonly command: string | null;

  constructor(message: string, command: string | null = null) {
    super(message);
    this.command = command;
  }
}

export interface Report {
  error: string;
  problems: readonly string[];
  status: number;
}

/** What to print and the exit status; null where nothing went wrong, as after `--help`. */
export function explain(err: unknown): Report | null {
  if (err instanceof CommanderError) return null;
  if (err instanceof UsageFailure) {
    const help = err.command ? `; see npx ${err.command} --help` : '';
    return { error: `${err.message}${help}`, problems: [], status: WRONG_USAGE };
  }
  if (err instanceof ConfigError) {
    return { error: 'the configuration is not usable', problems: err.problems, status: BAD_CONFIGURATION };
  }
  if (err instanceof Failure) return { error: err.message, problems: err.problems, status: FAILED };
  if (err instanceof OperatorProblem) return { error: sentenceOf(err), problems: [], status: FAILED };
  return { error: `something unexpected went wrong (${unexpected(err)})`, problems: [], status: FAILED };
}

/** After a colon: without the capital and the full stop that some of them have. */
export function sentenceOf({ message }: OperatorProblem): string {
  return message.replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase()).replace(/\.$/, '');
}

function unexpected(err: unknown): string {
  if (!(err instanceof Error)) return String(err);
  // Prisma quotes the arguments of the call there, and these may hold hashes.
  if (err.name === 'PrismaClientValidationError') return err.name;
  return err.message.trim().replaceAll(/\s*\n\s*/g, ' ') || err.name;
}
