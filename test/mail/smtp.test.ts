import { createServer, type Server, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseConfig } from '../../src/config/config.ts';
import type { Seconds } from '../../src/lib/duration.ts';
import type { Mail } from '../../src/mail/mailer.ts';
import { createSmtpMailer } from '../../src/mail/smtp.ts';
import { Hopeless } from '../../src/outbox/outbox.ts';
import { freePort } from '../support/free-port.ts';
import { type MailServerOptions, Refused, startMailServer } from '../support/mail-server.ts';

const FROM = 'no-reply@example.org';
const LETTER: Mail = {
  ...{ id: 'msg_1', to: 'ada@example.org', language: 'en' },
  ...{ subject: 'Something happened', text: 'It did.\n', html: '<p>It did.</p>' },
};

/** As an operator configures it. */
function mailerTo(url: string, site: { SITE_NAME?: string } = {}, patience?: Seconds) {
  const { mail, siteName, issuer } = parseConfig({ SMTP_URL: url, MAIL_FROM: FROM, ...site });
  if (mail.by !== 'smtp') throw new Error('not by SMTP');
  const mailer = createSmtpMailer(mail.smtp, { from: mail.from, siteName, issuer }, patience);
  onTestFinished(() => mailer.close());
  return mailer;
}

/** What becomes of a letter, and what the server has then. */
async function outcome(options: MailServerOptions, { query = '', login = '' } = {}) {
  await using post = await startMailServer(options);
  const url = `${post.url.replace('//', `//${login}`)}${query}`;
  const err: Error | null = await mailerTo(url)
    .send(LETTER)
    .then(
      () => null,
      (reason) => reason,
    );
  return { says: err?.message ?? 'sent', isHopeless: err instanceof Hopeless, received: post.received };
}

describe('a mail server', () => {
  it('on this machine gets letters without encryption, unless it is asked for', async () => {
    expect(await outcome({})).toMatchObject({ says: 'sent', received: [{ secure: false }] });
    const required = await outcome({}, { query: '?tls=required' });
    expect(required).toMatchObject({ says: 'the mail server offers no TLS (500)', isHopeless: false, received: [] });
  });

  it('whose certificate cannot be trusted gets nothing, by STARTTLS and from the first byte on', async () => {
    for (const implicit of [false, true]) {
      const query = implicit ? '' : '?tls=required';
      expect(await outcome({ certificate: 'good', implicit }, { query })).toMatchObject({
        says: expect.stringMatching(/cannot be trusted$/),
        ...{ isHopeless: false, received: [] },
      });
    }
  });

  it('that wants a login gets it, and a wrong one is worth another try, since it can be mended', async () => {
    const login = { user: 'gatewright', pass: 'p@ss:word%' };
    const right = `gatewright:${encodeURIComponent(login.pass)}@`;
    expect(await outcome({ login }, { login: right })).toMatchObject({
      says: 'sent',
      received: [{ user: 'gatewright' }],
    });
    const wrong = await outcome({ login }, { login: 'gatewright:wrong@' });
    expect(wrong).toMatchObject({ says: 'the mail server refuses the login (535)', isHopeless: false, received: [] });
    // Somebody in between took the offer out.
    const none = await outcome({}, { login: right });
    expect(none).toMatchObject({ isHopeless: false, received: [] });
    expect(none.says).toContain('login');
  });

  const receiver = (code: number) => ({
    onReceiver: () => {
      throw new Refused(code, 'no mailbox ada@example.org here');
    },
  });
  const letter = (code: number) => ({
    onLetter: () => {
      throw new Refused(code, 'spam for ada@example.org');
    },
  });
  it.each([
    ['the receiver for good', receiver(550), 'the mail server refuses the receiver (550)', true],
    ['the receiver for now', receiver(450), 'the mail server refuses the receiver (450)', false],
    ['the letter for good', letter(554), 'the mail server refuses the letter (554)', true],
    ['the letter for now', letter(451), 'the mail server refuses the letter (451)', false],
  ])('refuses %s: said without its words, which may quote the address', async (_, options, says, isHopeless) => {
    expect(await outcome(options)).toEqual({ says, isHopeless, received: [] });
  });

  it('that is not there is said so', async () => {
    const sending = mailerTo(`smtp://localhost:${await freePort()}`).send(LETTER);
    await expect(sending).rejects.toThrow(/^the mail server cannot be reached: /);
  });

  it('that never answers is waited for no longer than until the program stops', async () => {
    const { port, connected } = await silentServer();
    const mailer = mailerTo(`smtp://localhost:${port}`);
    const sending = mailer.send(LETTER).catch((err: Error) => err);
    await connected;
    mailer.close();
    const err = await sending;
    expect(err).not.toBeInstanceOf(Hopeless);
    expect(err).toMatchObject({ message: expect.stringContaining('it took too long, or the program was stopped') });
  });

  it('that speaks on and on without coming to an end is left, however lively it is', async () => {
    const { port, server } = await silentServer();
    server.on('connection', (socket: Socket) => {
      socket.write('220 hello\r\n');
      const timer = setInterval(() => socket.write('250-still here\r\n'), 20);
      socket.on('close', () => clearInterval(timer));
    });
    const sending = mailerTo(`smtp://localhost:${port}`, {}, 1).send(LETTER);
    await expect(sending).rejects.toThrow(/^the mail server cannot be reached: it took too long/);
  });
});

describe('what is put into a letter', () => {
  const INJECTION = 'Evil\r\nBcc: eve@example.net\r\n\r\n<b>body\u2028\0';

  it('begins no header: site name, subject', async () => {
    await using post = await startMailServer();
    await mailerTo(post.url, { SITE_NAME: INJECTION }).send({ ...LETTER, subject: INJECTION });
    const [got] = post.received;
    expect(got?.to).toEqual(['ada@example.org']);
    expect(got?.mail.headers.map(({ key }) => key)).not.toContain('bcc');
    expect(got?.mail.from).toMatchObject({ address: FROM, name: expect.stringMatching(/^Evil Bcc: eve@example\.net/) });
    expect(got?.mail.subject).toBe('Evil Bcc: eve@example.net <b>body');
    expect(got?.mail.text).toMatch(/^It did\.\s+$/);
    expect(got?.raw.match(/^message-id:/gim)).toHaveLength(1);
  });

  it.each([
    ...[
      'ada@example.org\r\nRCPT TO:<eve@example.net>',
      'ada@example.org,eve@example.net',
      'ada@example.org;eve@example.net',
    ],
    ...[
      'a,b@example.org',
      'eve@example.net(ada@example.org',
      '<eve@example.net>ada@example.org',
      'group:eve@example.net',
    ],
    ...[
      '"eve@example.net"@example.org',
      'ada',
      '@example.org',
      'ada@[127.0.0.1]',
      'ada@example.org\0',
      ' ada@example.org',
    ],
  ])('goes to one receiver or to none: %j', async (to) => {
    await using post = await startMailServer();
    await expect(mailerTo(post.url).send({ ...LETTER, to })).rejects.toBeInstanceOf(Hopeless);
    expect(post.asked).toEqual([]);
  });
});

/** Takes connections and says nothing. */
async function silentServer(): Promise<{ port: number; server: Server; connected: Promise<unknown> }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket.on('error', () => {})));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return { port, server, connected: new Promise((resolve) => server.once('connection', resolve)) };
}
