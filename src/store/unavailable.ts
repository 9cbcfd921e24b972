/** A store that is away for now. Whatever it was asked may be asked again later. */
export class Unavailable extends Error {
  override name = 'Unavailable';
}

const CODES = new Set([
  // Node: nobody listens, the connection broke, the way there or the name server is away.
  ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN', 'ENOTFOUND'],
  ...['EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH', 'ENETDOWN'],
  // PostgreSQL: too_many_connections, query_canceled (it took too long), admin_shutdown, crash_shutdown,
  // cannot_connect_now, read_only_sql_transaction (a standby that is not the primary yet).
  ...['53300', '57014', '57P01', '57P02', '57P03', '25006'],
  // Prisma: cannot be reached, timed out, closed the connection; no connection or transaction to be had in time.
  ...['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2028'],
]);
/** PostgreSQL: connection exceptions. */
const CONNECTION_CLASS = /^08[0-9A-Z]{3}$/;

/** What the `pg` driver and its pool say without a code. */
const SENTENCES = [
  /^Connection terminated/,
  /^timeout exceeded when trying to connect/,
  /^Query read timeout/,
  /^Client has encountered a connection error and is not queryable/,
];

/** What Prisma's driver adapters make of the driver's errors. */
const KINDS = new Set(['DatabaseNotReachable', 'ConnectionClosed', 'SocketTimeout']);

/** Causes that name one another must not be followed for ever. */
const DEEPEST = 10;

/**
 * Whether an error of a store means that PostgreSQL or Redis is away for now, as opposed to a mistake of ours. By names
 * and codes, so that no driver is loaded which the installation does not use; a code of Node alone does not say whose
 * connection it was.
 */
export function isUnavailable(err: unknown): boolean {
  return reasonsOf(err, DEEPEST).some(isAway);
}

interface Reason {
  message?: unknown;
  code?: unknown;
  /** SQLSTATE, as Prisma's adapters pass it on. */
  originalCode?: unknown;
  kind?: unknown;
  cause?: unknown;
  meta?: { driverAdapterError?: unknown };
}

function reasonsOf(err: unknown, depth: number): Reason[] {
  if (typeof err !== 'object' || err === null || depth === 0) return [];
  const { cause, meta } = err as Reason;
  return [err, ...[cause, meta?.driverAdapterError].flatMap((inner) => reasonsOf(inner, depth - 1))];
}

function isAway(reason: Reason): boolean {
  if (reason instanceof Unavailable) return true;
  const { message, code, originalCode, kind } = reason;
  return (
    [code, originalCode].some(isAwayCode) ||
    KINDS.has(String(kind)) ||
    SENTENCES.some((sentence) => sentence.test(String(message)))
  );
}

function isAwayCode(code: unknown): boolean {
  return typeof code === 'string' && (CODES.has(code) || CONNECTION_CLASS.test(code));
}
