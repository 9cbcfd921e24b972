interface SmtpError extends Error {
  code?: string;
  /** Of the server's answer, RFC 5321 4.2. */
  responseCode?: number;
  /** The command that failed. */
  command?: string;
}

const ABOUT_CONNECTION: Record<string, string> = {
  EDNS: 'its name is not known',
  ETIMEDOUT: 'it does not answer in time',
  ECONNECTION: 'it closed the connection',
  EABORT: 'it took too long, or the program was stopped',
  EPROTOCOL: 'it does not speak SMTP as expected',
};

/** In our own words and numbers only: an answer may quote an address, and an address belongs in no log. */
export function reasonOf(err: unknown): string {
  const { code = '', responseCode, command = '', message } = err as SmtpError;
  const answer = responseCode ? ` (${responseCode})` : '';
  if (code === 'EAUTH') return `the mail server refuses the login${answer}`;
  if (/certificate|self.signed|altname/i.test(message)) return 'the certificate of the mail server cannot be trusted';
  if (code === 'ETLS' || /STARTTLS/.test(message)) return `the mail server offers no TLS${answer}`;
  if (command === 'MAIL FROM') return `the mail server refuses the sender${answer}`;
  if (command === 'RCPT TO') return `the mail server refuses the receiver${answer}`;
  if (command === 'DATA') return `the mail server refuses the letter${answer}`;
  const why = ABOUT_CONNECTION[code] ?? (err as { errno?: unknown; cause?: SmtpError }).cause?.code ?? code;
  return `the mail server cannot be reached: ${why || 'the reason is not known'}${answer}`;
}

/** RFC 5321 4.2.1: 5yz to the receiver or the letter will be 5yz again. A login or sender can be mended meanwhile. */
export function isFinal(err: unknown): boolean {
  const { responseCode = 0, command = '' } = err as SmtpError;
  return responseCode >= 500 && ['RCPT TO', 'DATA'].includes(command);
}
