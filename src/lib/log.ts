import { type DestinationStream, type Logger, pino } from 'pino';
import { currentTrace } from './trace.ts';

export type { Logger } from 'pino';

/** What an error tells besides its message may quote a row (`detail` of PostgreSQL) or an address with its password. */
const ERROR_FIELDS = ['type', 'message', 'code', 'stack'] as const;
const MOST_CAUSES = 5;
const LONGEST_REASON = 200;
/** RFC 3986 3.2.1 */
const USERINFO = /(\/\/)[^\s/@]*:[^\s/]*@/g;

/**
 * JSON lines on standard output. Fields are ids and outcomes, never a body, a token, a cookie or a full address. What is
 * logged while a request or a job is at work carries its ids.
 */
export function createLog(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    mixin: () => traceFields(),
    serializers: { err: (err: unknown) => errorFields(err, MOST_CAUSES) },
  };
  return destination ? pino(options, destination) : pino(options);
}

function traceFields(): object {
  const trace = currentTrace();
  if (!trace) return {};
  const { requestId, traceId } = trace;
  return requestId === undefined ? { traceId } : { requestId, traceId };
}

function errorFields(err: unknown, depth: number): object {
  if (!(err instanceof Error)) return { type: typeof err, message: 'not an error' };
  const { message, stack, cause } = err;
  const all = { type: err.name, message, code: (err as NodeJS.ErrnoException).code, stack };
  const known = ERROR_FIELDS.filter((name) => all[name] !== undefined);
  const fields = Object.fromEntries(known.map((name) => [name, withoutPassword(String(all[name]))]));
  return cause === undefined || depth === 0 ? fields : { ...fields, cause: errorFields(cause, depth - 1) };
}

/** The first line of what an error says, for where a stack would only fill the log. */
export function reasonOf(err: unknown): string {
  return (
    withoutPassword((err as Error).message)
      .split('\n', 1)[0]
      ?.slice(0, LONGEST_REASON) ?? ''
  );
}

function withoutPassword(text: string): string {
  return text.replace(USERINFO, '$1');
}
