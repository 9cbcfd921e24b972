import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';
import { codeOf } from '../support/sign-in.ts';
import { giveCode, givePassword, heading, press } from './steps.ts';
import { inChromium, picture } from './support.ts';

const SEED = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';

let server: TestServer;
beforeAll(async () => {
  const levels = { SECOND_FACTOR: 'everyone', TRUSTED_BROWSER_DAYS: '30', ENROLMENT_GRACE_DAYS: '14' };
  server = await startTestServer(levels);
});
afterAll(() => server[Symbol.asyncDispose]());

inChromium('a second step that need not be', (open) => {
  for (const javaScriptEnabled of [true, false]) {
    const how = javaScriptEnabled ? 'with' : 'without';

    it(`is left out in a browser that is trusted, until its owner ends that, ${how} JavaScript`, async () => {
      const { email } = await server.addAccount({ totpSecret: SEED, claims: { name: 'Ada Example' } });
      const page = await open({ javaScriptEnabled });
      await page.goto(`${server.issuer}/account`);
      await givePassword(page, email);
      const tick = page.getByLabel('Don’t ask for the second step in this browser for 30 days');
      expect(await tick.isChecked()).toBe(false);
      await tick.check();
      await picture(page, `trusted-tick-${how}`);
      await giveCode(page, codeOf(SEED));
      await heading(page, 'Hello, Ada Example');

      await press(page, 'Sign out');
      await page.goto(`${server.issuer}/account/sessions`);
      await givePassword(page, email);
      await page.getByRole('heading', { name: 'Trusted browsers' }).waitFor();
      await picture(page, `trusted-list-${how}`);
      await page.getByRole('button', { name: /^Ask again for the second step in Chrome/ }).click();
      await expect.poll(() => page.getByRole('heading', { name: 'Trusted browsers' }).count()).toBe(0);

      await press(page, 'Sign out');
      await page.goto(`${server.issuer}/account`);
      await givePassword(page, email);
      await heading(page, 'Enter your code');
    });

    it(`is put off and asked for again ${how} JavaScript`, async () => {
      const { email } = await server.addAccount({ claims: { name: 'Bob Example' } });
      const page = await open({ javaScriptEnabled });
      for (const round of ['first', 'next']) {
        await page.goto(`${server.issuer}/account`);
        await givePassword(page, email);
        await heading(page, 'Add your authenticator app');
        await picture(page, `later-${round}-${how}`);
        await press(page, 'Not now');
        await heading(page, 'Hello, Bob Example');
        await press(page, 'Sign out');
      }
    });
  }

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`is offered on a phone, ${colorScheme}, in German`, async () => {
      const [ada, bob] = [await server.addAccount({ totpSecret: SEED }), await server.addAccount()];
      for (const { email } of [ada, bob]) {
        const page = await open({ viewport: { width: 390, height: 844 }, colorScheme, locale: 'de' });
        await page.goto(`${server.issuer}/account`);
        await page.getByLabel('E-Mail').fill(email);
        await page.getByLabel('Passwort').fill('correct horse battery staple');
        await press(page, 'Anmelden');
        await page
          .getByText(email === ada.email ? '30 Tage lang' : 'Nicht jetzt')
          .first()
          .waitFor();
        await picture(page, `phone-${colorScheme}-${email === ada.email ? 'tick' : 'later'}`);
        const [wide, width] = await page.evaluate(() => {
          const { scrollWidth, clientWidth } = document.documentElement;
          return [scrollWidth, clientWidth];
        });
        expect(wide).toBe(width);
      }
    });
  }
});
