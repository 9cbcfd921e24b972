import { StatementSync } from 'node:sqlite';
import Libsql from 'libsql';
import { vi } from 'vitest';

export type Counted = (where: 'state' | 'database', sql: string) => void;

/** Tells of every statement on either database, from before a server opens them until all mocks are restored. */
export function countStatements(counted: Counted): void {
  for (const method of ['run', 'get', 'all'] as const) {
    const original = StatementSync.prototype[method] as (...args: unknown[]) => unknown;
    vi.spyOn(StatementSync.prototype, method).mockImplementation(function (this: StatementSync, ...args: unknown[]) {
      counted('state', this.sourceSQL);
      return original.apply(this, args);
    } as never);
  }
  // Statements are kept, so what is counted is their use and not that they were prepared.
  const { prepare } = Libsql.prototype;
  vi.spyOn(Libsql.prototype, 'prepare').mockImplementation(function (this: Libsql.Database, sql: string) {
    const statement = prepare.call(this, sql);
    for (const method of ['run', 'get', 'all'] as const) {
      const original = statement[method].bind(statement) as (...args: unknown[]) => unknown;
      statement[method] = ((...args: unknown[]) => {
        counted('database', sql);
        return original(...args);
      }) as never;
    }
    return statement;
  } as never);
}
