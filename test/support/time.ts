import { Client } from 'pg';
import { vi } from 'vitest';
import { type Milliseconds, type Seconds, toMilliseconds } from '../../src/lib/duration.ts';

/** From now on every clock runs ahead: of this process (the server, the library, the relying party) and of its databases. */
export function turnClocks(by: Seconds): void {
  if (!vi.isFakeTimers()) vi.useFakeTimers({ toFake: ['Date'], shouldAdvanceTime: true });
  vi.setSystemTime(Date.now() + toMilliseconds(by));
  takeDatabasesAlong();
}

/**
 * Servers put their clock right by the database's, at each sweep and each look at whether they are ready: by one that was
 * not turned they would jump back in the middle of a test.
 */
function takeDatabasesAlong(): void {
  if (takenAlong) return;
  takenAlong = true;
  const { query } = Client.prototype as unknown as { query: (...asked: unknown[]) => unknown };
  const turned = function (this: Client, sql: unknown, ...rest: unknown[]): unknown {
    const asked = typeof sql === 'string' ? sql.replaceAll('clock_timestamp()', runningAhead) : sql;
    return query.call(this, asked, ...rest);
  };
  Object.assign(Client.prototype, { query: turned });
}
let takenAlong = false;

function runningAhead(): string {
  const ahead: Milliseconds = Date.now() - vi.getRealSystemTime();
  return `(clock_timestamp() + interval '${ahead} milliseconds')`;
}
