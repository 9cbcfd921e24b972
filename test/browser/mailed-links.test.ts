import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BY_OPERATOR, BY_SYSTEM } from '../../src/lib/by.ts';
import { DAY } from '../../src/lib/duration.ts';
import { type Received, startMailServer } from '../support/mail-server.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { codeOf } from '../support/sign-in.ts';
import { createUserAgent } from '../support/user-agent.ts';
import { enrol, giveCode, givePassword, heading, press } from './steps.ts';
import { inChromium } from './support.ts';

const SEED = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
const NEW = 'seven quiet otters climb';

let server: TestServer;
let post: Awaited<ReturnType<typeof startMailServer>>;
beforeAll(async () => {
  post = await startMailServer();
  const mail = { SMTP_URL: post.url, MAIL_FROM: 'no-reply@example.org' };
  server = await startTestServer({ ...mail, SIGN_UP: 'invited', TRUSTED_PROXIES: '127.0.0.1,::1' });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await post.close();
});

/** Everything that a mail server got for somebody, oldest first. */
async function letters(email: string): Promise<Received[]> {
  // What was asked for becomes a letter, and the letter goes out.
  for (let round = 0; round < 3; round += 1) await server.app.worker.run();
  return post.received.filter(({ to }) => to.includes(email));
}

/** The button of the newest letter, whose subject is this, as a mail program shows it. */
async function click(page: Page, email: string, subject: string, label: string): Promise<void> {
  const letter = (await letters(email)).at(-1);
  expect(letter?.mail.subject).toBe(subject);
  // Not under the policy of a page of ours.
  await page.goto('about:blank');
  await page.setContent(letter?.mail.html ?? '');
  await page.getByRole('link', { name: label, exact: true }).click();
}

const LOCK = 'This was not me: lock my account';

inChromium('the links in letters', (open) => {
  it('set a new password', async () => {
    const { email } = await server.addAccount();
    const page = await open();
    await page.goto(`${server.issuer}/account`);
    await page.getByRole('link', { name: 'Forgotten your password?' }).click();
    await page.getByLabel('Email').fill(email);
    await press(page, 'Send the link');
    await heading(page, 'Look into your mailbox');
    await click(page, email, 'Set a new password', 'Set a new password');
    await page.getByLabel('New password').fill(NEW);
    await press(page, 'Set the password');
    await heading(page, 'Your password is set');
    expect((await letters(email)).at(-1)?.mail.subject).toBe('Your password was changed');
    await page.getByRole('link', { name: 'Sign in' }).click();
    await givePassword(page, email, NEW);
    await page.waitForURL(`${server.issuer}/account`);
  });

  for (const javaScriptEnabled of [true, false]) {
    it(`lock an account in which a stranger is, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async () => {
      const { email } = await server.addAccount({ totpSecret: SEED });
      const stranger = await open({ userAgent: FIREFOX });
      const [page, mailbox] = [await open({ javaScriptEnabled }), await open({ javaScriptEnabled })];
      for (const [index, each] of [page, stranger].entries()) {
        await each.goto(`${server.issuer}/account`);
        await givePassword(each, email);
        await giveCode(each, codeOf(SEED, index));
        await each.waitForURL(`${server.issuer}/account`);
      }
      const told = (await letters(email)).at(-1);
      expect(told?.mail.text?.replaceAll('\n', ' ')).toContain('Browser: Firefox on Linux.');
      await click(mailbox, email, 'Somebody signed in from a new browser', LOCK);
      await heading(mailbox, 'Lock your account?');
      expect(new URL(mailbox.url()).pathname).toBe('/link');
      await press(mailbox, 'Lock my account');
      await heading(mailbox, 'Your account is locked');

      await stranger.goto(`${server.issuer}/account`);
      await givePassword(stranger, email);
      await stranger.getByText('Email or password is not right.').waitFor();
      await click(mailbox, email, 'Your account is locked', 'Set a new password');
      await mailbox.getByLabel('New password').fill(NEW);
      await press(mailbox, 'Set the password');
      await heading(mailbox, 'Your password is set');
      await mailbox.getByRole('link', { name: 'Sign in' }).click();
      await givePassword(mailbox, email, NEW);
      await heading(mailbox, 'Enter your code');
    });
  }

  it('end the wait that others brought upon somebody', async () => {
    const { email } = await server.addAccount();
    const attacker = createUserAgent(server.issuer);
    const signIn = await attacker.follow('/account');
    for (let index = 0; index < 11; index += 1) {
      attacker.moveTo(`2001:db8:${index.toString(16)}::1`);
      await attacker.post(signIn, { email, password: `wrong password ${index}` });
    }
    const page = await open();
    await page.goto(`${server.issuer}/account`);
    await givePassword(page, email);
    await page.getByText('a letter went to it with a link that ends the wait').waitFor();
    await click(page, email, 'Your sign-in has to wait', 'End the wait');
    await heading(page, 'End the wait?');
    await press(page, 'End the wait');
    await heading(page, 'The wait has ended');
    await page.getByRole('link', { name: 'Sign in' }).click();
    await givePassword(page, email);
    await page.waitForURL(`${server.issuer}/account`);
  });

  it('keep an account that its owner was about to delete', async () => {
    const { id, email } = await server.addAccount();
    const page = await open();
    await page.goto(`${server.issuer}/account/delete`);
    await givePassword(page, email);
    await page.getByLabel('To confirm').fill(email);
    await press(page, 'Delete your account');
    await heading(page, 'Your account will be deleted');
    await click(page, email, 'Your account is to be deleted', 'Keep my account');
    await press(page, 'Keep my account');
    await heading(page, 'Your account is kept');
    expect((await letters(email)).at(-1)?.mail.subject).toBe('Your account is kept');
    expect((await server.app.stores.accounts.find(id))?.status).toBe('active');
  });

  it('stop a recovery, or recover an account whose owner has lost everything', async () => {
    const { id, email } = await server.addAccount({ totpSecret: SEED });
    const { recoveries } = server.app.stores;
    const page = await open();
    await recoveries.start(id, { wait: DAY, mailed: true }, BY_OPERATOR);
    await click(page, email, 'The link to recover your account', 'Recover my account');
    await heading(page, 'This link does not open yet');
    expect(await page.getByRole('button').count()).toBe(0);
    const told = (await letters(email)).find(({ mail }) => mail.subject === 'The recovery of your account was started');
    await page.goto('about:blank');
    await page.setContent(told?.mail.html ?? '');
    await page.getByRole('link', { name: 'Stop the recovery', exact: true }).click();
    await heading(page, 'Stop the recovery?');
    await press(page, 'Stop the recovery');
    await heading(page, 'The recovery is stopped');

    const started = await recoveries.start(id, { wait: 0, mailed: false }, BY_OPERATOR);
    await page.goto(`${server.issuer}/link/${started?.token}`);
    await heading(page, 'Recover your account');
    await page.getByLabel('New password').fill('short');
    await page.getByLabel('New password').evaluate((field) => field.removeAttribute('minlength'));
    await press(page, 'Recover the account');
    await page.getByRole('alert').waitFor();
    await page.getByLabel('New password').fill(NEW);
    await press(page, 'Recover the account');
    await heading(page, 'Your account is yours again');
    expect((await letters(email)).at(-1)?.mail.subject).toBe('Your account was recovered');
    await page.getByRole('link', { name: 'Sign in' }).click();
    await givePassword(page, email, NEW);
    await enrol(page, email);
    await page.waitForURL(`${server.issuer}/account`);
  });

  it('make an account of an invitation', async () => {
    const email = 'invited@example.org';
    const invited = { email, emailNormalized: email, name: 'Ada', role: 'user', lifetime: DAY };
    await server.app.stores.newcomers.invite(invited, 'en', BY_OPERATOR);
    const page = await open();
    await click(page, email, 'You are invited to Gatewright', 'Create your account');
    await page.getByLabel('Password', { exact: true }).fill(NEW);
    await press(page, 'Create the account');
    await heading(page, 'Your account is ready');
    await page.getByRole('link', { name: 'Sign in' }).click();
    await givePassword(page, email, NEW);
    await page.waitForURL(`${server.issuer}/account`);
  });

  it('lock from every letter about the account, in the reader’s language', async () => {
    const { id, email } = await server.addAccount({ totpSecret: SEED, claims: { locale: 'de' } });
    const { accounts } = server.app.stores;
    const look = async () => {
      const account = await accounts.find(id);
      if (!account) throw new Error('there is no account');
      return account;
    };
    const own = { ...BY_SYSTEM, actor: id };
    const [app] = await accounts.authenticators(id);
    const totp = { secret: SEED, confirmedStep: 1, recoveryCodeHashes: ['x'] };
    const changes: [string, () => Promise<unknown>][] = [
      ['Ihr Passwort wurde geändert', async () => accounts.changePassword(await look(), 'hash', own)],
      ['Ihr Passwort wurde geändert', () => accounts.setPassword(id, 'hash', BY_OPERATOR)],
      ['Ihre Ersatzcodes wurden ersetzt', async () => accounts.replaceRecoveryCodes(await look(), ['y'], own)],
      ['Ein Ersatzcode wurde benutzt', () => accounts.spendRecoveryCode(id, ['y'], own)],
      [
        'Von Ihrem Konto wurde eine Authenticator-App entfernt',
        async () => accounts.removeTotp(await look(), String(app?.id), own),
      ],
      [
        'Ihrem Konto wurde eine Authenticator-App hinzugefügt',
        async () => accounts.enrolTotp(id, (await look()).factorsVersion, { ...totp, id: 'otp_new', name: 'App' }, own),
      ],
      [
        'Von Ihrem Konto wurde eine Authenticator-App entfernt',
        () => accounts.removeAuthenticator(id, 'otp_new', BY_OPERATOR),
      ],
      ['Der zweite Schritt Ihrer Anmeldung wurde entfernt', () => accounts.resetFactors(id, BY_OPERATOR)],
    ];
    const page = await open({ locale: 'de' });
    for (const [subject, change] of changes) {
      await change();
      await click(page, email, subject, 'Das war nicht ich: mein Konto sperren');
      await heading(page, 'Ihr Konto sperren?');
    }
    await press(page, 'Mein Konto sperren');
    await heading(page, 'Ihr Konto ist gesperrt');
  });
});
