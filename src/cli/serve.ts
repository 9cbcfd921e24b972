import type { Command } from 'commander';
import { action, type Cli } from './command.ts';

export function serve(cli: Cli): Command {
  return action('serve', 'run the server, as npm start does; its log is JSON lines in any case').action(async () => {
    const main = await import('../main.ts');
    await main.serve(cli.env);
  });
}
