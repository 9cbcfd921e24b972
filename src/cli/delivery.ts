import type { Command } from 'commander';
import { type Cli, command } from './command.ts';
import { deliveryDrop } from './delivery-drop.ts';
import { deliveryList } from './delivery-list.ts';
import { deliveryRetry } from './delivery-retry.ts';

export function deliveryCommands(cli: Cli): Command {
  return command(
    'delivery',
    'see which applications were not told of a logout or a security event, and what becomes of it',
  )
    .addCommand(deliveryList(cli))
    .addCommand(deliveryRetry(cli))
    .addCommand(deliveryDrop(cli));
}
