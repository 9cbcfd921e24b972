import { OperatorProblem } from '../../lib/errors.ts';

/** Why the database could not be used, by the driver's error code or SQLSTATE, and what to do. */
const ADVICE: Record<string, string> = {
  ECONNREFUSED: 'refuses connections; start PostgreSQL there, or set DATABASE_URL to where it runs',
  ENOTFOUND: 'is on a host that no name server knows; check the host name in DATABASE_URL',
  EAI_AGAIN: 'is on a host that no name server knows; check the host name in DATABASE_URL',
  ETIMEDOUT: 'does not answer; check the host and port in DATABASE_URL, and the firewall between',
  EHOSTUNREACH: 'does not answer; check the host and port in DATABASE_URL, and the firewall between',
  // invalid_password
  '28P01': 'refuses the user or the password of DATABASE_URL; set the right ones',
  // invalid_catalog_name
  '3D000': 'does not exist; create it (createdb), or set DATABASE_URL to the one that does',
  // too_many_connections
  '53300': 'has no connection left; lower DATABASE_POOL of the instances, or raise max_connections of PostgreSQL',
  // cannot_connect_now
  '57P03': 'is starting or stopping; try again when it is up',
  // admin_shutdown
  '57P01': 'broke the connection off; see the log of PostgreSQL, and start again',
  ECONNRESET: 'broke the connection off; see the log of PostgreSQL, and start again',
  // insufficient_privilege
  '42501': 'does not let this user make or change tables; make the user of DATABASE_URL the owner of the database',
  // read_only_sql_transaction
  '25006': 'is read-only; set DATABASE_URL to the primary server',
  // lock_not_available
  '55P03': 'has been locked for a minute by another instance or program; end what holds the lock and start again',
};

const TLS_REFUSED = 'is on a server without TLS; take sslmode out of DATABASE_URL, or turn TLS on there';
const TLS_UNTRUSTED =
  'shows a certificate that is not trusted; add sslrootcert=FILE to DATABASE_URL, with the certificate authority that signed it';
const TLS_WANTED =
  'does not let this user in without TLS; add sslmode=verify-full to DATABASE_URL, or an entry for the user to pg_hba.conf of the server';
const USER_REFUSED = 'refuses the user of DATABASE_URL; check the user, and pg_hba.conf of the server';

/**
 * @param name of the database, without its password
 * @returns an OperatorProblem with one sentence, or what came in where it already is one
 */
export function explainDatabaseError(err: unknown, name: string): unknown {
  if (err instanceof OperatorProblem || !(err instanceof Error)) return err;
  const advice = adviceFor(err);
  const sentence = advice
    ? `The database ${name} ${advice}.`
    : `The database ${name} cannot be used (${err.message}); check DATABASE_URL and the log of PostgreSQL.`;
  return new OperatorProblem(sentence, { cause: err });
}

/** Null where nothing around the program is to blame. */
export function adviceFor(err: unknown): string | null {
  const { code = '', message } = err as Error & { code?: string };
  const known = ADVICE[code];
  if (known) return known;
  // invalid_authorization_specification
  if (code === '28000') return message.includes('no encryption') ? TLS_WANTED : USER_REFUSED;
  if (/CERT|^UNABLE_TO_VERIFY/.test(code)) return TLS_UNTRUSTED;
  // What the driver finds by itself has no code.
  if (code !== '') return null;
  if (message.includes('password must be a string')) return ADVICE['28P01'] ?? null;
  if (message.includes('does not support SSL')) return TLS_REFUSED;
  if (message.includes('Connection terminated unexpectedly')) return ADVICE['57P01'] ?? null;
  if (message.includes('timeout')) return ADVICE['ETIMEDOUT'] ?? null;
  return null;
}
