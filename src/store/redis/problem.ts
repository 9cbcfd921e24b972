import { OperatorProblem } from '../../lib/errors.ts';

/** Redis itself says nothing to a connection that begins with TLS where it speaks none. */
const SILENT =
  'does not answer; check the host and port in REDIS_URL, whether it speaks TLS (rediss://) or not (redis://), and the firewall between';

/** Why Redis could not be used, by the driver's error code or the first word of the reply, and what to do. */
const ADVICE: Record<string, string> = {
  ECONNREFUSED: 'refuses connections; start Redis there, or set REDIS_URL to where it runs',
  ENOTFOUND: 'is on a host that no name server knows; check the host name in REDIS_URL',
  EAI_AGAIN: 'is on a host that no name server knows; check the host name in REDIS_URL',
  ETIMEDOUT: SILENT,
  EHOSTUNREACH: SILENT,
  WRONGPASS: 'refuses the user or the password of REDIS_URL; set the right ones',
  NOAUTH: 'wants a password; write REDIS_URL as redis://:password@host:6379/0, or with a user before the colon',
  NOPERM:
    'does not let this user do what is needed; allow the user of REDIS_URL the commands EVAL, EVALSHA, HMGET, HSET, HSETNX, EXISTS, PEXPIRE, DEL, PING and INFO on its keys',
};

const BY_MESSAGE: [pattern: RegExp, advice: string][] = [
  [/without any password configured/, 'has no password; take it out of REDIS_URL, or set one there (requirepass)'],
  [/DB index is out of range/, 'has no database of that number; use the path /0 in REDIS_URL'],
  [/[Tt]imeout|no answer/, SILENT],
  [/closed unexpectedly/, 'closes connections at once; if it wants TLS, begin REDIS_URL with rediss://'],
];

const TLS_REFUSED = 'speaks no TLS; begin REDIS_URL with redis://, or turn TLS on there';
const TLS_UNTRUSTED =
  'shows a certificate that is not trusted; start with NODE_EXTRA_CA_CERTS=FILE, with the certificate authority that signed it';

/**
 * @param name of the server, without its password
 * @returns an OperatorProblem with one sentence, or what came in where it already is one
 */
export function explainRedisError(err: unknown, name: string): unknown {
  if (err instanceof OperatorProblem || !(err instanceof Error)) return err;
  // What was refused or broke lies under what it means for a request.
  const reason = err.name === 'Unavailable' && err.cause instanceof Error ? err.cause : err;
  const advice = adviceFor(reason);
  const sentence = advice
    ? `The Redis ${name} ${advice}.`
    : `The Redis ${name} cannot be used (${reason.message}); check REDIS_URL and the log of Redis.`;
  return new OperatorProblem(sentence, { cause: err });
}

function adviceFor(err: Error): string | undefined {
  const code = 'code' in err ? String(err.code) : (err.message.split(' ')[0] ?? '');
  if (ADVICE[code]) return ADVICE[code];
  if (/CERT|^UNABLE_TO_VERIFY/.test(code)) return TLS_UNTRUSTED;
  if (/^ERR_SSL|^EPROTO/.test(code)) return TLS_REFUSED;
  return BY_MESSAGE.find(([pattern]) => pattern.test(err.message))?.[1];
}

/** The address for sentences and logs: never with a password. */
export function nameOf(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}
