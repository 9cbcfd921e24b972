import { isMailAddress } from '../lib/mail-address.ts';
import { LOOPBACK_HOSTS } from '../lib/public-address.ts';
import type { envReader } from './env.ts';

/**
 * `smtp`: through a mail server. `folder`: into files beside the data, while the issuer is for this machine only.
 * `off`: an issuer for others and no mail server: nothing is sent, and what needs mail refuses.
 */
export type MailConfig = { from: string } & ({ by: 'smtp'; smtp: SmtpConfig } | { by: 'folder' } | { by: 'off' });

export interface SmtpConfig {
  host: string;
  port: number;
  /** From the first byte on (`smtps:`), before anything of value is said (STARTTLS), or not at all. */
  tls: 'implicit' | 'starttls' | 'none';
  /** A secret: never log it. */
  login: { user: string; pass: string } | null;
}

/** RFC 8314 3.3, RFC 6409 3.1 */
const IMPLICIT_TLS_PORT = 465;
const SUBMISSION_PORT = 587;

const FORM = 'smtps://user:password@host:465, or smtp://user:password@host:587 with STARTTLS';

export function readMail(read: ReturnType<typeof envReader>, issuer: URL, loopback: boolean): MailConfig {
  const url = read.secret('SMTP_URL');
  const given = read.optional('MAIL_FROM');
  read.check(
    given === null || isMailAddress(given),
    'MAIL_FROM must be an address alone, such as no-reply@example.org',
  );
  const from = given ?? `no-reply@${issuer.hostname}`;
  if (url === null) return loopback ? { by: 'folder', from } : { by: 'off', from };

  read.check(given !== null, 'MAIL_FROM is missing: SMTP_URL wants the address that mail comes from');
  const smtp = parse(url);
  // Never quoted: it carries a password.
  read.check(smtp !== null, `SMTP_URL must be of the form ${FORM}; ?tls=off after it does without encryption`);
  return smtp === null ? { by: 'off', from } : { by: 'smtp', from, smtp };
}

function parse(text: string): SmtpConfig | null {
  const url = URL.parse(text);
  if (url === null || url.hostname === '' || url.hash !== '' || !['', '/'].includes(url.pathname)) return null;
  const secure = url.protocol === 'smtps:';
  if (!secure && url.protocol !== 'smtp:') return null;
  const tls = secure ? (url.search === '' ? 'implicit' : null) : startTls(url);
  const login = loginOf(url);
  if (tls === null || login === undefined) return null;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return { host, port: Number(url.port) || (secure ? IMPLICIT_TLS_PORT : SUBMISSION_PORT), tls, login };
}

/** What goes to another machine is encrypted unless the operator says otherwise. */
function startTls({ hostname, search }: URL): 'starttls' | 'none' | null {
  if (search === '?tls=off') return 'none';
  if (search === '?tls=required') return 'starttls';
  if (search !== '') return null;
  return LOOPBACK_HOSTS.includes(hostname) ? 'none' : 'starttls';
}

/** Undefined where it cannot be read: a percent sign of a password stands as %25. */
function loginOf({ username, password }: URL): SmtpConfig['login'] | undefined {
  if (username === '') return password === '' ? null : undefined;
  try {
    return { user: decodeURIComponent(username), pass: decodeURIComponent(password) };
  } catch {
    return undefined;
  }
}
