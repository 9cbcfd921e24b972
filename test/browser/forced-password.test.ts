import type { BrowserContextOptions } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/server.ts';
import { codeOf } from '../support/sign-in.ts';
import { giveCode, givePassword, heading, press } from './steps.ts';
import { inChromium } from './support.ts';

const SEED = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
const NEXT = 'a rather different secret of mine';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server[Symbol.asyncDispose]());

inChromium('a password that must go', (open) => {
  /** On the page that asks for another. */
  async function asked(options: BrowserContextOptions = {}) {
    const { id, email } = await server.addAccount({ totpSecret: SEED, claims: { name: 'Ada Example' } });
    await server.app.stores.accounts.requirePasswordChange(id, BY_OPERATOR);
    const page = await open(options);
    await page.goto(`${server.issuer}/account`);
    await givePassword(page, email);
    await giveCode(page, codeOf(SEED));
    await heading(page, 'Choose a new password');
    return { page, email };
  }

  for (const javaScriptEnabled of [true, false]) {
    it(`is replaced in the middle of a sign-in ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async () => {
      const { page } = await asked({ javaScriptEnabled, locale: 'en' });
      const field = page.getByLabel('New password');
      expect(await field.getAttribute('autocomplete')).toBe('new-password');
      expect(await page.locator('[autocomplete=username]').inputValue()).toContain('@');
      await field.fill(PASSWORD);
      await press(page, 'Set the new password');
      await page.getByRole('alert').filter({ hasText: 'That is the password you have now.' }).waitFor();
      expect(await field.getAttribute('aria-invalid')).toBe('true');
      expect(await field.inputValue()).toBe('');
      await field.fill(NEXT);
      if (javaScriptEnabled) await expect.poll(() => page.getByRole('status').textContent()).toBe('Very hard to guess');
      await press(page, 'Set the new password');
      await heading(page, 'Hello, Ada Example');
    });
  }

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`fits a phone, ${colorScheme}, in German`, async () => {
      const { id, email } = await server.addAccount({ email: `eine.recht.lange.adresse.${colorScheme}@example.org` });
      await server.app.stores.accounts.requirePasswordChange(id, BY_OPERATOR);
      const page = await open({ viewport: { width: 390, height: 844 }, colorScheme, locale: 'de' });
      await page.goto(`${server.issuer}/account`);
      await page.getByLabel('E-Mail').fill(email);
      await page.getByLabel('Passwort').fill(PASSWORD);
      await press(page, 'Anmelden');
      await heading(page, 'Wählen Sie ein neues Passwort');
      const [wide, width] = await page.evaluate(() => {
        const { scrollWidth, clientWidth } = document.documentElement;
        return [scrollWidth, clientWidth];
      });
      expect(wide).toBe(width);
    });
  }
});
