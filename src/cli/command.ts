import { Command, type CommanderError } from 'commander';
import type { Env } from '../config/env.ts';
import type { Clock } from '../lib/clock.ts';
import { UsageFailure } from './failure.ts';
import type { Output } from './output.ts';

/** What every command is given. */
export interface Cli {
  env: Env;
  clock: Clock;
  out: Output;
}

/** A command or, with commands added to it, a group of them. What is imported here is loaded for every `--help` too. */
export function command(name: string, description: string): Command {
  const made = new Command(name)
    .description(description)
    .helpOption('-h, --help', 'show this help')
    .helpCommand(false)
    .configureHelp({ subcommandTerm: term })
    .configureOutput({ outputError: () => {} });
  return made.exitOverride((err) => {
    throw err.exitCode === 0 ? err : new UsageFailure(sentence(err), pathOf(made));
  });
}

interface Explanation {
  /** Command lines without the leading `npx gatewright`. */
  examples?: string[];
  notes?: string;
}

/** A command that does something. */
export function action(name: string, description: string, { examples = [], notes = '' }: Explanation = {}): Command {
  const lines = examples.map((example) => `  npx gatewright ${example}\n`);
  const shown = lines.length > 0 ? `\nExamples:\n${lines.join('')}` : '';
  return command(name, description)
    .addHelpText('after', `${notes && `\n${notes}\n`}${shown}`)
    .option('--json', 'print the result as JSON');
}

/** For options that may be repeated. */
export function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

function term(made: Command): string {
  return [made.name(), ...made.registeredArguments.map((argument) => `<${argument.name()}>`)].join(' ');
}

function pathOf(made: Command): string {
  return made.parent ? `${pathOf(made.parent)} ${made.name()}` : made.name();
}

function sentence(err: CommanderError): string {
  if (err.code === 'commander.help') return 'a command is missing';
  return err.message
    .replace(/^error: /, '')
    .replace(/\.$/, '')
    .replaceAll('\n', ' ');
}
