import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PASSWORD } from '../support/server.ts';
import { codeOf } from '../support/sign-in.ts';
import { consent, enrol, giveCode, givePassword, giveRecoveryCode, heading, press } from './steps.ts';
import { inChromium } from './support.ts';
import { startWorld, type World } from './world.ts';

const SEED = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
const PHONE = { viewport: { width: 390, height: 844 } };

let world: World;
beforeAll(async () => {
  world = await startWorld({ SECOND_FACTOR: 'everyone' });
});
afterAll(() => world[Symbol.asyncDispose]());

inChromium('the pages', (open) => {
  async function signInPage(options?: BrowserContextOptions): Promise<Page> {
    const page = await open(options);
    await page.goto(`${world.webApp.url}/login`);
    await heading(page, 'Sign in');
    return page;
  }

  it('put the cursor where typing begins, and tell password managers what each field is', async () => {
    const { email } = await world.server.addAccount({ totpSecret: SEED });
    const page = await signInPage();
    expect(await focused(page)).toBe('email');
    expect(await autocomplete(page)).toEqual({
      ...{ email: 'username webauthn', password: 'current-password', remember: null },
    });

    await givePassword(page, email);
    await heading(page, 'Enter your code');
    expect(await focused(page)).toBe('code');
    expect(await autocomplete(page)).toEqual({ code: 'one-time-code' });
    expect(await page.locator('#code').getAttribute('inputmode')).toBe('numeric');

    await page.getByRole('link', { name: 'Use a recovery code instead' }).click();
    await heading(page, 'Use a recovery code');
    expect(await focused(page)).toBe('code');
    await page.getByRole('link', { name: 'Use the authenticator app instead' }).click();
    await heading(page, 'Enter your code');
  });

  it('keep the address and not the password after a mistake, and say what was wrong', async () => {
    const { email } = await world.server.addAccount({ totpSecret: SEED });
    const page = await signInPage();
    await givePassword(page, email, 'not the password');
    await expectProblem(page, 'password', 'Email or password is not right.');
    expect(await page.getByLabel('Email').inputValue()).toBe(email);
    expect(await page.getByLabel('Password').inputValue()).toBe('');
    expect(await focused(page)).toBe('password');
    expect(await page.locator('#email').getAttribute('aria-invalid')).toBe('true');

    await givePassword(page, email);
    const wrong = codeOf(SEED, 500);
    await giveCode(page, wrong);
    await expectProblem(page, 'code', /^That code is not right\./);
    expect(await page.getByLabel('Code', { exact: true }).inputValue()).toBe('');
    expect(await focused(page)).toBe('code');

    await giveRecoveryCode(page, 'never-was-one');
    await expectProblem(page, 'code', /^That recovery code is not right/);
    expect(await focused(page)).toBe('code');
  });

  it('can be used by keyboard alone', async () => {
    const { email } = await world.server.addAccount({ totpSecret: SEED });
    const page = await signInPage();
    await page.keyboard.type(email);
    await page.keyboard.press('Tab');
    await page.keyboard.type(PASSWORD);
    await page.keyboard.press('Enter');
    await heading(page, 'Enter your code');
    await page.keyboard.type(codeOf(SEED));
    await page.keyboard.press('Enter');
    await heading(page, 'Allow Meadow Notes?');
    // Enter alone allows nothing: one has to go to the button.
    expect(await focused(page)).toBe('');
    await page.getByRole('button', { name: 'Allow' }).focus();
    await page.keyboard.press('Enter');
    await page.locator('#sub').waitFor();
  });

  it('offer to copy the recovery codes where scripts run', async () => {
    const { email } = await world.server.addAccount();
    const page = await signInPage({ permissions: ['clipboard-read', 'clipboard-write'] });
    await givePassword(page, email);
    await enrol(page, email, async (codes) => {
      await press(page, 'Copy');
      await page.getByRole('button', { name: 'Copied' }).waitFor();
      expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(codes.join('\n'));
      const [saved] = await Promise.all([page.waitForEvent('download'), press(page, 'Download')]);
      expect(saved.suggestedFilename()).toBe('recovery-codes.txt');
    });
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`fit a phone, ${colorScheme}`, async () => {
      const { email } = await world.server.addAccount({ email: `a.rather.long.address.${colorScheme}@example.org` });
      const page = await signInPage({ ...PHONE, colorScheme });
      const shown: string[] = [];
      const look = async () => {
        shown.push(await page.getByRole('heading', { level: 1 }).innerText());
        await expectFits(page, colorScheme);
      };

      await look();
      await givePassword(page, email, 'not the password');
      await page.getByRole('alert').waitFor();
      await look();
      await givePassword(page, email);
      await heading(page, 'Add your authenticator app');
      await look();
      await enrol(page, email, look);
      await heading(page, 'Allow Meadow Notes?');
      await look();
      await consent(page, 'Meadow Notes');
      await page.locator('#sign-out').click();
      await heading(page, 'Sign out?');
      await look();
      await press(page, 'Sign out');
      await page.locator('#sign-in').click();
      await givePassword(page, email);
      await heading(page, 'Enter your code');
      await look();
      await page.getByRole('link', { name: 'Use a recovery code instead' }).click();
      await heading(page, 'Use a recovery code');
      await look();
      await page.goto(world.server.issuer);
      await look();
      await page.goto(`${world.server.issuer}/nowhere`);
      await look();
      expect(new Set(shown).size).toBe(9);
    });
  }
});

function focused(page: Page): Promise<string> {
  return page.evaluate(() => document.activeElement?.id ?? '');
}

async function autocomplete(page: Page): Promise<Record<string, string | null>> {
  const fields = await page.locator('input:not([type=hidden])').all();
  const named = fields.map(async (field) => [
    await field.getAttribute('name'),
    await field.getAttribute('autocomplete'),
  ]);
  return Object.fromEntries(await Promise.all(named));
}

/** Announced when the page opens, and tied to its field for whoever comes back to that. */
async function expectProblem(page: Page, field: string, text: string | RegExp): Promise<void> {
  const problem = page.getByRole('alert').filter({ hasText: text });
  await problem.waitFor();
  const input = page.locator(`#${field}`);
  expect(await input.getAttribute('aria-invalid')).toBe('true');
  expect((await input.getAttribute('aria-describedby'))?.split(' ')).toContain(await problem.getAttribute('id'));
}

async function expectFits(page: Page, colorScheme: 'light' | 'dark'): Promise<void> {
  const { overflow, ground, text } = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    const { backgroundColor, color } = getComputedStyle(document.body);
    // The browser's own reading of a colour, whatever notation it was computed in.
    const brightness = (value: string): number => {
      const canvas = document.createElement('canvas').getContext('2d');
      if (!canvas) throw new Error('no canvas');
      canvas.fillStyle = value;
      canvas.fillRect(0, 0, 1, 1);
      const [red = 0, green = 0, blue = 0] = canvas.getImageData(0, 0, 1, 1).data;
      return (red + green + blue) / 3;
    };
    return { overflow: scrollWidth - clientWidth, ground: brightness(backgroundColor), text: brightness(color) };
  });
  expect(overflow, `${page.url()} scrolls sideways`).toBe(0);
  expect(ground > text).toBe(colorScheme === 'light');
}
