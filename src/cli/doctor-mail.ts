import type { Config } from '../config/config.ts';
import { LOOPBACK_HOSTS } from '../lib/public-address.ts';
import { type Finding, note, ok, problem, warning } from './finding.ts';

const ADVICE = 'see SMTP_URL (docs/operating.md), then npx gatewright mail test ADDRESS';

/** Whether mail goes out. Nothing is sent: the server is connected to, encryption and login are tried. */
export async function checkMail(config: Config): Promise<Finding[]> {
  const { mail, issuer, siteName } = config;
  const { MAIL_IS_OFF, outboxFolder } = await import('../mail/open.ts');
  if (mail.by === 'off') return [warning('mail', MAIL_IS_OFF)];
  if (mail.by === 'folder') {
    return [note('mail', `is written into ${outboxFolder(config.folders)} instead of sent: set SMTP_URL to send it`)];
  }

  const { createSmtpMailer } = await import('../mail/smtp.ts');
  const { host, port, tls, login } = mail.smtp;
  const mailer = createSmtpMailer(mail.smtp, { from: mail.from, siteName, issuer });
  try {
    await mailer.check();
  } catch (err) {
    return [problem('mail', `${(err as Error).message}, at ${host}:${port}: ${ADVICE}`)];
  } finally {
    mailer.close();
  }
  const how = [tls === 'none' ? 'without encryption' : 'over TLS', login ? 'login accepted' : 'without login'];
  return [
    ok('mail', `${host}:${port} answers, ${how.join(', ')}; mail comes from ${mail.from}`),
    ...(tls === 'none' && !LOOPBACK_HOSTS.includes(host)
      ? [warning('mail', `goes to ${host} in the clear: take ?tls=off out of SMTP_URL`)]
      : []),
  ];
}
