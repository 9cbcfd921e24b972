import { plainDomain } from '../lib/mail-domain.ts';
import type { envReader } from './env.ts';
import type { MailConfig } from './mail.ts';

/**
 * Who gets an account without an operator's typing its password. `invited`: whom an operator invites. `domains`: besides
 * them, whoever reads mail at an address of these domains. `open`: whoever reads mail at all.
 */
export interface SignUpConfig {
  mode: 'off' | 'invited' | 'domains' | 'open';
  /** Of `domains`; their subdomains are others. */
  domains: readonly string[];
  /** Anybody can ask for an account. */
  offered: boolean;
}

export function readSignUp(read: ReturnType<typeof envReader>, mail: MailConfig): SignUpConfig {
  const mode = read.oneOf('SIGN_UP', ['off', 'invited', 'domains', 'open'], 'off');
  const given = read.list('SIGN_UP_DOMAINS');
  const domains = given.map(plainDomain).filter((domain) => domain !== null);
  for (const domain of given) {
    read.check(plainDomain(domain) !== null, `SIGN_UP_DOMAINS: "${domain}" is not a domain such as example.org`);
  }
  read.check(
    mode !== 'domains' || given.length > 0,
    'SIGN_UP_DOMAINS is missing: SIGN_UP=domains wants the domains whose addresses may sign up, such as example.org',
  );
  read.check(
    mode === 'domains' || given.length === 0,
    'SIGN_UP_DOMAINS is for SIGN_UP=domains only: set that, or leave SIGN_UP_DOMAINS out',
  );
  read.check(
    mode === 'off' || mail.by !== 'off',
    `SIGN_UP=${mode} needs mail, which proves addresses: set SMTP_URL and MAIL_FROM, or SIGN_UP=off`,
  );
  return { mode, domains, offered: mode === 'domains' || mode === 'open' };
}
