import { afterAll, beforeAll, expect, it } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { newId } from '../../src/lib/ids.ts';
import { startMailServer } from '../support/mail-server.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { givePassword, heading, press } from './steps.ts';
import { inChromium } from './support.ts';

let post: Awaited<ReturnType<typeof startMailServer>>;
let server: TestServer;
beforeAll(async () => {
  post = await startMailServer();
  server = await startTestServer({ SMTP_URL: post.url, MAIL_FROM: 'no-reply@example.org' });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await post.close();
});

/** What the newest letter to an address leads to, as somebody reads it there. */
async function linkTo(address: string): Promise<string> {
  // What was asked for becomes a letter first.
  for (let round = 0; round < 2; round += 1) await server.app.worker.run();
  const letter = post.received.filter(({ to }) => to.includes(address)).at(-1);
  const [href] = /\bhttp:\/\/localhost:\d+\/link\/[\w-]+/.exec(letter?.mail.html ?? '') ?? [];
  if (!href) throw new Error(`no link in the last letter to ${address}: ${letter?.mail.subject}`);
  return href;
}

inChromium('the address of an account', (open) => {
  for (const javaScriptEnabled of [true, false]) {
    const how = javaScriptEnabled ? 'with JavaScript' : 'without JavaScript';

    it(`is proved by a letter, ${how}`, async () => {
      const { id, email } = await server.addAccount();
      await server.app.stores.accounts.setClaims(id, {}, false, BY_OPERATOR);
      const page = await open({ javaScriptEnabled });
      await page.goto(`${server.issuer}/account`);
      await givePassword(page, email);
      await page.getByText('Not confirmed').waitFor();
      await page.getByRole('link', { name: 'Confirm or change it' }).click();
      await heading(page, 'Email');
      await press(page, 'Send the link');
      await heading(page, 'Look into your mailbox');
      await page.goto(await linkTo(email));
      await heading(page, 'Confirm your address');
      expect(new URL(page.url()).pathname).toBe('/link');
      await press(page, 'This address is mine');
      await heading(page, 'Your address is confirmed');
      await page.getByRole('link', { name: 'Back to your account' }).click();
      await page.getByText('Confirmed', { exact: true }).waitFor();
    });

    it(`is changed and put back by letters, ${how}`, async () => {
      const { email } = await server.addAccount();
      const to = `${newId('acc')}@example.net`;
      const page = await open({ javaScriptEnabled });
      await page.goto(`${server.issuer}/account/email/new`);
      await givePassword(page, email);
      await heading(page, 'Change your address');
      await page.getByLabel('New address').fill(to);
      await press(page, 'Send the link');
      await heading(page, 'Look into your new mailbox');
      await page.goto(await linkTo(to));
      await heading(page, 'Confirm your new address');
      await press(page, 'Use this address');
      await heading(page, 'Your address is changed');
      await page.getByRole('link', { name: 'Back to your account' }).click();
      await page.getByRole('main').getByText(to).waitFor();

      const elsewhere = await open({ javaScriptEnabled });
      await elsewhere.goto(await linkTo(email));
      await heading(elsewhere, 'Was this not you?');
      await press(elsewhere, 'Put my address back');
      await heading(elsewhere, 'Your account has its address back');
      await page.reload();
      await heading(page, 'Sign in');
      await elsewhere.goto(await linkTo(email));
      await heading(elsewhere, 'Set a new password');
      await elsewhere.getByLabel('New password').fill('seven quiet otters climb');
      await press(elsewhere, 'Set the password');
      await heading(elsewhere, 'Your password is set');
      await page.goto(`${server.issuer}/account`);
      await givePassword(page, email, 'seven quiet otters climb');
      await heading(page, 'Your account');
    });
  }
});
