import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import PostalMime from 'postal-mime';
import { describe, expect, it } from 'vitest';
import { checkMail } from '../../src/cli/doctor-mail.ts';
import { parseConfig } from '../../src/config/config.ts';
import type { Env } from '../../src/config/env.ts';
import { freePort } from '../support/free-port.ts';
import { startMailServer } from '../support/mail-server.ts';
import { installation } from './gatewright.ts';

const MAIL_FROM = 'id@example.org';
const HTTPS = { ISSUER: 'https://id.example.org' };

describe('gatewright mail', () => {
  it('test sends a message in either language, and says that the server took it over', async () => {
    await using post = await startMailServer();
    const { run } = installation();
    const env = { SMTP_URL: post.url, MAIL_FROM, SITE_NAME: 'Meadow' };
    const done = await run(['mail', 'test', 'ada@example.org', '--language', 'de'], { env });
    expect([done.status, done.stdout]).toEqual([0, 'The mail server has taken it over.\n']);
    expect(post.received).toMatchObject([{ to: ['ada@example.org'], mail: { subject: 'E-Mail von Meadow kommt an' } }]);
  });

  it('test writes a file that its owner alone reads while there is no mail server', async () => {
    const { json } = installation();
    const { by, file } = await json(['mail', 'test', 'ada@example.org']);
    expect([by, statSync(file).mode & 0o777, statSync(path.dirname(file)).mode & 0o777]).toEqual([
      'folder',
      0o600,
      0o700,
    ]);
    expect((await PostalMime.parse(readFileSync(file))).text).toContain('to see whether mail arrives');
  });

  it('test says what to do where mail is off, does not go out, or the address is none', async () => {
    const { run } = installation();
    const off = await run(['mail', 'test', 'ada@example.org'], { env: HTTPS });
    expect([off.status, off.stderr]).toEqual([
      1,
      expect.stringContaining('mail is off: set SMTP_URL to a mail server'),
    ]);
    const env = { SMTP_URL: `smtp://u:hunter2@localhost:${await freePort()}`, MAIL_FROM };
    const away = await run(['mail', 'test', 'ada@example.org'], { env });
    expect([away.status, away.stderr]).toEqual([
      1,
      expect.stringMatching(/it was not sent: the mail server cannot be/),
    ]);
    expect(away.stderr).not.toContain('hunter2');
    expect(await run(['mail', 'test', 'a@example.org,b@example.org'])).toMatchObject({ status: 2 });
  });

  it('list shows what waits, with the address masked', async () => {
    const { run, json } = installation();
    await json(['account', 'create', '--email', 'ada@example.org', '--password-stdin'], { input: 'eight888 and more' });
    expect((await run(['mail', 'list'])).stdout).toBe('No mail waits, and none was given up.\n');
    await json(['account', 'set-password', 'ada@example.org', '--password-stdin'], { input: 'eight888 or another' });
    await json(['account', 'reset-mfa', 'ada@example.org', '--yes']);
    const [first, second, ...more] = await json(['mail', 'list']);
    expect(more).toEqual([]);
    expect(first).toEqual({
      ...{ id: expect.stringMatching(/^msg_/), message: 'password-set', to: 'a***@example.org' },
      ...{ accountId: expect.stringMatching(/^acc_/), attempts: 0, lastError: null, givenUp: false },
      ...{ createdAt: expect.stringMatching(/Z$/), nextTryAt: first.createdAt },
    });
    expect(second.message).toBe('factors-reset');
    const { stdout } = await run(['mail', 'list']);
    expect(stdout).toMatch(
      /^ID +MAIL +TO +SINCE +TRIES +NEXT TRY +LAST ERROR\nmsg_\w+ +password-set +a\*\*\*@example\.org /,
    );
    expect(stdout).not.toContain('ada@example.org');
  });
});

describe('doctor on mail', () => {
  const look = async (env: Env) =>
    (await checkMail(parseConfig(env))).map(({ status, message }) => `${status} ${message}`);

  it('tries connection, encryption and login, and sends nothing', async () => {
    const login = { user: 'gatewright', pass: 'right' };
    await using post = await startMailServer({ login });
    const by = (userinfo: string, query = '') => ({
      SMTP_URL: `${post.url.replace('//', `//${userinfo}`)}${query}`,
      MAIL_FROM,
    });
    expect(await look(by('gatewright:right@'))).toEqual([
      `ok localhost:${post.port} answers, without encryption, login accepted; mail comes from ${MAIL_FROM}`,
    ]);
    const wrong = await look(by('gatewright:hunter2@'));
    expect(wrong).toEqual([expect.stringMatching(/^problem the mail server refuses the login \(535\), at localhost:/)]);
    expect(wrong.join()).not.toContain('hunter2');
    expect(await look(by('gatewright:right@', '?tls=required'))).toEqual([
      expect.stringMatching(/^problem the mail server offers no TLS/),
    ]);
    expect([post.asked, post.received]).toEqual([[], []]);
  });

  it('finds a server that is not there, one that nobody can trust, and none at all', async () => {
    expect(await look({ SMTP_URL: `smtp://localhost:${await freePort()}`, MAIL_FROM })).toEqual([
      expect.stringMatching(/^problem the mail server cannot be reached: /),
    ]);
    await using post = await startMailServer({ certificate: 'self-signed', implicit: true });
    expect(await look({ SMTP_URL: post.url, MAIL_FROM })).toEqual([
      expect.stringMatching(/^problem the certificate of the mail server cannot be trusted, at localhost:/),
    ]);
    expect(await look(HTTPS)).toEqual([expect.stringMatching(/^warning mail is off: set SMTP_URL/)]);
    expect(await look({})).toEqual([expect.stringMatching(/^note is written into .*outbox instead of sent/)]);
  });
});
