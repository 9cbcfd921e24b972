import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { givePassword, heading, press, text } from './steps.ts';
import { inChromium, picture } from './support.ts';
import { startWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

inChromium('a browser that several people use', (open) => {
  /** The application's own sign-in, which asks for the choice. */
  async function askWhoGoesOn(page: Page): Promise<void> {
    const answer = await page.request.get(`${world.webApp.url}/login`, { maxRedirects: 0 });
    await page.goto(`${answer.headers()['location']}&prompt=select_account`);
  }

  for (const javaScriptEnabled of [true, false]) {
    it(`goes on as one and switches to another, JavaScript ${javaScriptEnabled ? 'on' : 'off'}`, async () => {
      const ada = await world.server.addAccount();
      const grace = await world.server.addAccount();
      const page = await open({ javaScriptEnabled });

      // Somebody else's session, found at the consent.
      await page.goto(`${world.webApp.url}/login`);
      await givePassword(page, ada.email);
      await heading(page, 'Allow Meadow Notes?');
      await press(page, 'Not you?');
      await heading(page, 'Choose an account');
      await press(page, `Continue as ${ada.email}`);
      await heading(page, 'Allow Meadow Notes?');
      await press(page, 'Not you?');
      await press(page, 'Use another account');
      expect(await page.getByLabel('Email').inputValue()).toBe('');
      await givePassword(page, grace.email);
      // A form in between ends the session of the first; it sends itself where scripts run.
      if (!javaScriptEnabled) await page.getByRole('button').click();
      await heading(page, 'Allow Meadow Notes?');
      await page.getByText(grace.email).waitFor();
      await press(page, 'Allow');
      await page.locator('#sub').waitFor();
      expect(await text(page, 'sub')).toBe(grace.id);

      await askWhoGoesOn(page);
      await heading(page, 'Choose an account');
      await picture(page, `select account ${javaScriptEnabled}`);
      expect(await page.getByText(ada.email).count()).toBe(0);
      await page.keyboard.press('Tab');
      expect(await page.evaluate(() => document.activeElement?.textContent)).toBe(`Continue as ${grace.email}`);
      await page.keyboard.press('Enter');
      await page.locator('#sub').waitFor();
      expect(await text(page, 'sub')).toBe(grace.id);
    });
  }
});
