import { mkdirSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newId } from '../../src/lib/ids.ts';
import { startMailServer } from '../support/mail-server.ts';
import { givePassword, heading, press } from './steps.ts';
import { inChromium } from './support.ts';
import { startWorld, type World } from './world.ts';

/** Pictures of every page are put there, for people to look at. */
const PICTURES = process.env['PICTURES'];
const NEW = 'seven quiet otters climb';

let post: Awaited<ReturnType<typeof startMailServer>>;
let world: World;
beforeAll(async () => {
  post = await startMailServer();
  world = await startWorld({
    ...{ SIGN_UP: 'domains', SIGN_UP_DOMAINS: 'example.org', SITE_NAME: 'Meadow' },
    ...{ SMTP_URL: post.url, MAIL_FROM: 'id@example.org' },
  });
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await post.close();
});

/** Every letter has a link or a page of ours in it, which is clicked as it stands there. */
async function letterTo(email: string): Promise<{ subject: string; html: string; href: string }> {
  for (let round = 0; round < 3; round += 1) await world.server.app.worker.run();
  const letter = post.received.findLast(({ to }) => to.includes(email));
  const { subject = '', html = '' } = letter?.mail ?? {};
  return { subject, html, href: /href="([^"]+)"/.exec(html)?.[1] ?? '' };
}

async function picture(page: Page, name: string): Promise<void> {
  const overflow = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return scrollWidth - clientWidth;
  });
  expect(overflow, `${page.url()} scrolls sideways`).toBe(0);
  if (!PICTURES) return;
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: path.join(PICTURES, `sign-up-${name}.png`), fullPage: true });
}

inChromium('a sign-up', (open) => {
  async function signUp(options: BrowserContextOptions, name: string): Promise<void> {
    const email = `${newId('acc').slice(4).toLowerCase()}@example.org`;
    const page = await open(options);
    await page.goto(`${world.webApp.url}/login`);
    await heading(page, 'Sign in');
    await picture(page, `${name}-0-sign-in`);
    await page.getByRole('link', { name: 'Create an account' }).click();
    await heading(page, 'Create an account');
    await page.getByLabel('Email').fill('ada@elsewhere.example');
    await press(page, 'Send the link');
    await page.getByRole('alert').getByText('Accounts here are for addresses at example.org only.').waitFor();
    await picture(page, `${name}-1-refused`);
    await page.getByLabel('Email').fill(email);
    await press(page, 'Send the link');
    await heading(page, 'Look into your mailbox');
    await picture(page, `${name}-2-asked`);

    const { subject, href } = await letterTo(email);
    expect(subject).toBe('Create your account');
    await page.goto(href);
    await heading(page, 'Create your account');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('name');
    expect(await page.locator('#password').getAttribute('autocomplete')).toBe('new-password');
    await picture(page, `${name}-3-link`);
    await page.getByLabel('Name').fill('Ada Lovelace');
    await page.getByLabel('Password', { exact: true }).fill('passwordpassword');
    await press(page, 'Create the account');
    await page.getByRole('alert').waitFor();
    expect(await page.getByLabel('Name').inputValue()).toBe('Ada Lovelace');
    await picture(page, `${name}-4-refused`);
    await page.getByLabel('Password', { exact: true }).fill(NEW);
    await press(page, 'Create the account');
    await heading(page, 'Your account is ready');
    await picture(page, `${name}-5-ready`);

    await page.getByRole('link', { name: 'Sign in' }).click();
    await givePassword(page, email, NEW);
    await press(page, 'Allow');
    await page.getByText('Ada Lovelace').first().waitFor();
  }

  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [390, 1280]) {
      it(`goes from the application by the letter back into it, ${width} px, ${colorScheme}`, () =>
        signUp({ viewport: { width, height: 844 }, colorScheme }, `${width}-${colorScheme}`));
    }
  }

  it('works without JavaScript', () => signUp({ javaScriptEnabled: false, locale: 'en' }, 'plain'));

  it('by somebody who has an account is answered by a letter that leads to the sign-in', async () => {
    const { email } = await world.server.addAccount({ email: 'known@example.org' });
    const page = await open();
    await page.goto(`${world.server.issuer}/sign-up`);
    await page.getByLabel('Email').fill(email);
    await press(page, 'Send the link');
    await heading(page, 'Look into your mailbox');
    const { subject, html, href } = await letterTo(email);
    expect([subject, html]).toEqual(['You have an account already', expect.not.stringContaining('/link/')]);
    await page.goto(href);
    await givePassword(page, email);
    await heading(page, 'Your account');
    const letter = await open({ viewport: { width: 390, height: 844 } });
    await letter.setContent(html);
    await picture(letter, 'letter-known');
  });
});
