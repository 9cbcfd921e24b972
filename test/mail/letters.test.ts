import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import PostalMime from 'postal-mime';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseConfig } from '../../src/config/config.ts';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { createLog } from '../../src/lib/log.ts';
import { startServer } from '../../src/server.ts';
import { anAccount } from '../store/samples.ts';
import { freePort } from '../support/free-port.ts';
import { startMailServer } from '../support/mail-server.ts';
import { CALLBACK } from '../support/relying-party.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/server.ts';
import { codeOf } from '../support/sign-in.ts';
import { testFolders } from '../support/stores.ts';
import { createUserAgent } from '../support/user-agent.ts';
import { ask, visit } from '../support/visit.ts';

const FROM = 'no-reply@example.org';
const accountsOf = (server: TestServer) => server.app.stores.accounts;

/** Text and markup as one reads them. */
const plain = (html = '') => html.replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ');

describe('people are told by mail', () => {
  it('of an app that was added at a sign-in, and of a recovery code that was used, in both forms', async () => {
    await using post = await startMailServer();
    await using server = await startTestServer({ SECOND_FACTOR: 'everyone', SMTP_URL: post.url, MAIL_FROM: FROM });
    const person = await visit(server, { person: { email: 'Ada@example.org', claims: { name: 'Ada Lovelace' } } });
    const { page } = await ask(person);
    // Another spelling of the address than the stored one.
    const enrolment = await person.agent.submit(page, { email: 'aDA@EXAMPLE.org', password: PASSWORD });
    const seed = /class="key">([A-Z2-7 ]+)</.exec(enrolment.html)?.[1]?.replaceAll(' ', '') ?? '';
    const codes = await person.agent.submit(enrolment, { code: codeOf(seed) });
    const [recoveryCode = ''] = /[0-9a-z]{4}(?:-[0-9a-z]{4}){2}/.exec(codes.html) ?? [];
    await server.app.worker.run();

    const [added] = await post.until(1);
    expect(added).toMatchObject({ from: FROM, to: ['Ada@example.org'] });
    expect(added?.mail).toMatchObject({
      subject: 'An authenticator app was added to your account',
      from: { name: 'Gatewright', address: FROM },
      to: [{ address: 'Ada@example.org' }],
      messageId: expect.stringMatching(/^<msg_\w+@localhost>$/),
    });
    const header = (name: string) => added?.mail.headers.find(({ key }) => key === name)?.value;
    expect([header('auto-submitted'), header('content-language')]).toEqual(['auto-generated', 'en']);
    for (const form of [added?.mail.text, plain(added?.mail.html)]) {
      expect(form).toContain('Hello Ada Lovelace,');
      expect(form).toMatch(/On .+ UTC, an authenticator app was added to your account at Gatewright\./);
      expect(form).toContain('lock your account by the link');
      expect(form).toContain('contact the people who run this server as well');
    }
    // Neither a secret nor an address of anybody else's server.
    for (const secret of [seed, recoveryCode, PASSWORD]) expect(added?.raw).not.toContain(secret);
    const addresses = [...`${added?.mail.html} ${added?.mail.text}`.matchAll(/\b[a-z]+:\/\/[^\s"'<]+/g)].map(String);
    const own = addresses.map((one) => one.replace(/\/link\/gwl_[\w-]{43}$/, '/link/…'));
    expect(new Set(own)).toEqual(new Set([server.issuer, `${server.issuer}/link/…`]));
    expect(added?.mail.html).not.toMatch(/<img|<script|url\(|@import|<link/i);

    const agent = createUserAgent(server.issuer);
    const asked = await ask({ party: person.party, agent });
    const second = await agent.submit(asked.page, { email: 'ada@example.org', password: PASSWORD });
    const link = /href="([^"]+method=recovery-code)"/.exec(second.html)?.[1] ?? '';
    const back = await agent.submit(await agent.get(link), { code: recoveryCode });
    expect(back.url).toContain(CALLBACK);
    await server.app.worker.run();
    const [, used] = await post.until(2);
    expect(used?.mail.subject).toBe('A recovery code was used');
    expect(used?.mail.text).toContain('9 codes are left.');
    expect(await server.app.stores.mails.list()).toEqual([]);
  });

  it('of what an operator does to their account, in their language', async () => {
    await using post = await startMailServer();
    const env = { SMTP_URL: post.url, MAIL_FROM: FROM, SITE_NAME: 'Müller & Söhne' };
    await using server = await startTestServer(env);
    const { id } = await server.addAccount({ email: 'ada@example.org', claims: { name: 'Ada', locale: 'de-AT' } });
    const accounts = accountsOf(server);
    for (const change of [
      () => accounts.setPassword(id, 'hash', BY_OPERATOR),
      () => accounts.resetFactors(id, BY_OPERATOR),
      () => accounts.disable(id, BY_OPERATOR),
      () => accounts.enable(id, BY_OPERATOR),
    ]) {
      await change();
      await server.app.worker.run();
    }
    const letters = await post.until(4);
    expect(letters.map(({ mail }) => [mail.subject, mail.from?.name])).toEqual([
      ['Ihr Passwort wurde geändert', 'Müller & Söhne'],
      ['Der zweite Schritt Ihrer Anmeldung wurde entfernt', 'Müller & Söhne'],
      ['Ihr Konto wurde deaktiviert', 'Müller & Söhne'],
      ['Ihr Konto wurde wieder aktiviert', 'Müller & Söhne'],
    ]);
    for (const { mail } of letters) {
      expect(mail.text).toContain('Guten Tag Ada,');
      expect(mail.text).toContain('die Müller & Söhne betreiben');
      expect(mail.html).toContain('die Müller &amp; Söhne betreiben');
      expect(mail.html).toContain('<html lang="de"');
    }
    const log = server.logged.join('');
    for (const part of ['ada@example.org', 'Ihr Passwort', 'Guten Tag']) expect(log).not.toContain(part);
  });

  it('by files of their own folder while nobody else can reach the server', async () => {
    await using server = await startTestServer();
    const { id } = await server.addAccount({ email: 'ada@example.org' });
    await accountsOf(server).disable(id, BY_OPERATOR);
    await server.app.worker.run();
    const folder = path.join(server.config.folders.data, 'outbox');
    const [name = '', ...more] = readdirSync(folder);
    expect(more).toEqual([]);
    expect([statSync(folder).mode & 0o777, statSync(path.join(folder, name)).mode & 0o777]).toEqual([0o700, 0o600]);
    const mail = await PostalMime.parse(readFileSync(path.join(folder, name)));
    expect(mail).toMatchObject({ subject: 'Your account was disabled', to: [{ address: 'ada@example.org' }] });
    const lines = server.logged.filter((line) => line.includes(name)).map((line) => JSON.parse(line));
    expect(lines).toEqual([expect.objectContaining({ file: name, level: 30 })]);
    expect(server.logged.join('')).not.toContain('ada@example.org');
  });

  it('not at all where the server is for others and no mail server is named: said once, nothing is written', async () => {
    const folders = testFolders();
    const env = { ISSUER: 'https://id.example.org', DATA_DIR: folders.data, KEYS_DIR: folders.keys };
    const config = parseConfig({ ...env, PORT: String(await freePort()) });
    const logged: string[] = [];
    const server = await startServer(config, { log: createLog('debug', { write: (line) => void logged.push(line) }) });
    onTestFinished(() => server.close());
    const { accounts, mails } = server.app.stores;
    await accounts.create(anAccount(), BY_OPERATOR);
    await accounts.disable('acc_ada', BY_OPERATOR);
    expect(await mails.list()).toHaveLength(1);
    await server.app.worker.run();
    expect(await mails.list()).toEqual([]);
    expect(readdirSync(folders.data)).not.toContain('outbox');
    expect(logged.filter((line) => line.includes('mail is off: set SMTP_URL'))).toHaveLength(1);
  });
});
