import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';
import { codeOf } from '../support/sign-in.ts';
import { enrol, giveCode, givePassword, heading, press } from './steps.ts';
import { inChromium, picture } from './support.ts';

const SEED = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
const SECTIONS = {
  Overview: 'Hello, Ada Example',
  Profile: 'Profile',
  Email: 'Email',
  Password: 'Change your password',
  Passkeys: 'Passkeys',
  'Authenticator apps': 'Authenticator apps',
  'Recovery codes': 'Recovery codes',
  'Where you are signed in': 'Where you are signed in',
  Applications: 'Applications',
  Activity: 'Activity',
  'Your data': 'Your data',
  'Delete the account': 'Delete your account',
};

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server[Symbol.asyncDispose]());

inChromium('the account pages', (open) => {
  async function signedIn(options: BrowserContextOptions = {}) {
    const { email } = await server.addAccount({ totpSecret: SEED, claims: { name: 'Ada Example' } });
    const page = await open(options);
    await page.goto(`${server.issuer}/account`);
    await givePassword(page, email);
    await giveCode(page, codeOf(SEED));
    await heading(page, 'Hello, Ada Example');
    return page;
  }

  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [390, 1280]) {
      it(`fit ${width} px, ${colorScheme}`, async () => {
        const page = await signedIn({ viewport: { width, height: 844 }, colorScheme });
        for (const [link, title] of Object.entries(SECTIONS)) {
          await page.getByRole('navigation').getByRole('link', { name: link, exact: true }).click();
          await heading(page, title);
          await expectFits(page);
          await picture(page, `${link}-${width}-${colorScheme}`);
        }
      });
    }
  }

  it('work without JavaScript, and by what they say', async () => {
    const page = await signedIn({ javaScriptEnabled: false, locale: 'en' });
    await page.getByRole('link', { name: 'Change your password' }).click();
    await page.getByLabel('New password').fill('a rather different secret of mine');
    await press(page, 'Change your password');
    await page.getByText('Your password is changed').waitFor();
    await page.getByRole('link', { name: 'Where you are signed in' }).click();
    await page.getByText('Chrome on Linux').waitFor();
    await press(page, 'Sign out everywhere');
    await heading(page, 'You are signed out');
  });

  it('give a file with all data, and delete the account, without JavaScript', async () => {
    const page = await signedIn({ javaScriptEnabled: false, locale: 'en', acceptDownloads: true });
    await page.getByRole('link', { name: 'Your data' }).click();
    const [file] = await Promise.all([page.waitForEvent('download'), press(page, 'Download your data')]);
    expect(file.suggestedFilename()).toMatch(/^gatewright-account-\d{4}-\d\d-\d\d\.json$/);
    await page.getByRole('link', { name: 'Delete the account' }).click();
    const email = /type (\S+@\S+)/.exec(
      await page.getByLabel('To confirm').evaluate((each) => each.parentElement?.textContent ?? ''),
    );
    await page.getByLabel('To confirm').fill('somebody.else@example.org');
    await press(page, 'Delete your account');
    await page.getByRole('alert').getByText('not the address of your account').waitFor();
    await page.getByLabel('To confirm').fill(email?.[1] ?? '');
    await press(page, 'Delete your account');
    await heading(page, 'Your account will be deleted');
  });

  it('add an authenticator app to an account that has none', async () => {
    const { email } = await server.addAccount();
    const page = await open();
    await page.goto(`${server.issuer}/account/authenticators`);
    await givePassword(page, email);
    await heading(page, 'Authenticator apps');
    await page.getByRole('link', { name: 'Add an authenticator app' }).click();
    await enrol(page, email);
    await heading(page, 'Recovery codes');
    await page.getByText('10 are left').waitFor();
  });
});

async function expectFits(page: Page): Promise<void> {
  const overflow = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return scrollWidth - clientWidth;
  });
  expect(overflow, `${page.url()} scrolls sideways`).toBe(0);
  const small = await page.evaluate(() =>
    [...document.querySelectorAll('button, nav a')]
      .filter((each) => each.getBoundingClientRect().height < 43.5)
      .map((each) => each.textContent),
  );
  expect(small, `${page.url()} has targets lower than 44 px`).toEqual([]);
}
