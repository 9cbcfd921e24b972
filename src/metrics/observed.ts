import { performance } from 'node:perf_hooks';
import type { Milliseconds } from '../lib/duration.ts';
import { Conflict, Refusal } from '../lib/errors.ts';

export interface Observer {
  /** @returns what takes down one call each */
  operation(store: string, operation: string): (ms: Milliseconds, failed: boolean) => void;
  /** A store failed; what it merely declined is no failure. */
  failed(err: unknown): void;
}

type Method = (...args: unknown[]) => unknown;

/** The same store, each of whose calls is timed. Its methods are known by name, so that labels stay few. */
export function observed<T extends object>(name: string, store: T, observer: Observer): T {
  const methods = Object.entries(store).filter(([, value]) => typeof value === 'function') as [keyof T, Method][];
  const timed = methods.map(([operation, method]) => {
    const note = observer.operation(name, String(operation));
    return [operation, timedCall(store, method, note, observer)];
  });
  return { ...store, ...Object.fromEntries(timed) };
}

/** Every store in one object, and what belongs to none as it is. */
export function allObserved<T extends object>(stores: T, plain: readonly (keyof T)[], observer: Observer): T {
  const members = (Object.entries(stores) as [keyof T & string, T[keyof T]][]).map(([name, member]) => {
    const isStore = typeof member === 'object' && member !== null && !plain.includes(name);
    return [name, isStore ? observed(name, member as object, observer) : member];
  });
  return Object.fromEntries(members) as T;
}

function timedCall(
  store: object,
  method: Method,
  note: (ms: Milliseconds, failed: boolean) => void,
  observer: Observer,
): Method {
  return (...args) => {
    const startedAt = performance.now();
    const result = method.apply(store, args);
    if (!(result instanceof Promise)) return result;
    return result.then(
      (value) => {
        note(performance.now() - startedAt, false);
        return value;
      },
      (err: unknown) => {
        const failed = !(err instanceof Refusal || err instanceof Conflict);
        note(performance.now() - startedAt, failed);
        if (failed) observer.failed(err);
        throw err;
      },
    );
  };
}
