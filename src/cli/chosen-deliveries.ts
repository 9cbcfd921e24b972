import type { Command } from 'commander';
import type { Chosen, Delivery } from '../outbox/deliveries.ts';
import { Failure, UsageFailure } from './failure.ts';

export interface ChoiceOptions {
  client?: string;
}

export function withChoice(command: Command): Command {
  return command
    .argument('[id...]', 'which ones, by their id')
    .option('--client <id>', 'all for this application instead');
}

/** @throws {UsageFailure} */
export function parseChoice(ids: string[], { client }: ChoiceOptions): Chosen {
  if (ids.length > 0 === (client !== undefined)) throw new UsageFailure('give ids, or --client');
  return client === undefined ? { ids } : { clientId: client };
}

/** @param known those that it may be @throws {Failure} where an id is none of them: nothing was done yet */
export function checkChoice(chosen: Chosen, known: Delivery[], what: string): void {
  if (!('ids' in chosen)) return;
  const unknown = chosen.ids.filter((id) => !known.some((one) => one.id === id));
  if (unknown.length === 0) return;
  throw new Failure(`there is no ${what} ${unknown.join(', ')}: npx gatewright delivery list shows those there are`);
}

export function messages(count: number): string {
  return count === 1 ? '1 message' : `${count} messages`;
}
