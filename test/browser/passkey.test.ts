import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PASSWORD } from '../support/server.ts';
import { type Authenticator, plugIn } from './authenticator.ts';
import { consent, givePassword, heading, press } from './steps.ts';
import { inChromium, picture } from './support.ts';
import { startWorld, type World } from './world.ts';

const WITH = 'Sign in with a passkey';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

/** How the last sign-in of this account was proved. */
async function proved(accountId: string): Promise<unknown> {
  const events = await world.server.app.stores.auditTrail.latest(100, { event: 'sign_in.succeeded' });
  return JSON.parse(events.find((one) => one.accountId === accountId)?.detail ?? '{}');
}

inChromium('a passkey', (open) => {
  async function signInPage(options?: BrowserContextOptions): Promise<Page> {
    const page = await open(options);
    await page.goto(`${world.webApp.url}/login`);
    await heading(page, 'Sign in');
    return page;
  }

  /** What the page asks the browser for, beside the field of the address, it has asked by then. */
  const offered = (page: Page) => page.evaluate(() => PublicKeyCredential.isConditionalMediationAvailable());

  /** Somebody who has one, before the sign-in page. */
  async function withPasskey(options?: Parameters<typeof plugIn>[1]) {
    const account = await world.server.addAccount();
    const page = await signInPage();
    await offered(page);
    const authenticator = await plugIn(page, options);
    await authenticator.register(world.server, account.id);
    return { account, page, authenticator };
  }

  async function expectProblem(page: Page, text: RegExp): Promise<void> {
    await page.getByRole('alert').filter({ hasText: text }).waitFor();
  }

  async function useIt(page: Page, authenticator: Authenticator, button = WITH): Promise<void> {
    await authenticator.touch(true);
    await press(page, button);
  }

  it('signs in by a button, without an address', async () => {
    const { account, page, authenticator } = await withPasskey();
    await useIt(page, authenticator);
    await consent(page, 'Meadow Notes');
    expect(await proved(account.id)).toEqual({
      ...{ acr: 'urn:gatewright:acr:phishing-resistant', amr: ['swk', 'user', 'mfa'] },
    });
  });

  it('that cannot leave its device is told apart from one that can', async () => {
    const { account, page, authenticator } = await withPasskey({ synced: false });
    await useIt(page, authenticator);
    await consent(page, 'Meadow Notes');
    expect(await proved(account.id)).toMatchObject({ amr: ['hwk', 'user', 'mfa'] });
  });

  it('is offered where the address would be typed', async () => {
    const { account, page, authenticator } = await withPasskey();
    await authenticator.touch(true);
    await page.reload();
    await consent(page, 'Meadow Notes');
    expect(await proved(account.id)).toMatchObject({ amr: ['swk', 'user', 'mfa'] });
  });

  it('stays signed in where that is ticked', async () => {
    const { account, page, authenticator } = await withPasskey();
    await page.getByLabel('Stay signed in on this device').check();
    await useIt(page, authenticator);
    await consent(page, 'Meadow Notes');
    expect(await proved(account.id)).toMatchObject({ amr: ['swk', 'user', 'mfa'] });
    const kept = (await page.context().cookies(world.server.issuer)).find(({ name }) => name === 'gatewright');
    expect(kept?.expires).toBeGreaterThan(Date.now() / 1000);
  });

  it('is the second factor after a password', async () => {
    const { account, page, authenticator } = await withPasskey();
    await givePassword(page, account.email);
    await heading(page, 'Use your passkey');
    expect(await page.getByText('This browser cannot use passkeys').isVisible()).toBe(false);
    await useIt(page, authenticator, 'Use passkey');
    await consent(page, 'Meadow Notes');
    expect(await proved(account.id)).toMatchObject({ amr: ['pwd', 'swk', 'user', 'mfa'] });
  });

  it('that does not recognize its owner is refused by the browser; the page says so, and works again', async () => {
    const { page, authenticator } = await withPasskey();
    await authenticator.recognize(false);
    await useIt(page, authenticator);
    await expectProblem(page, /^No passkey was used/);
    await picture(page, 'passkey cancelled');
    await offered(page);
    await authenticator.touch(false);
    await authenticator.recognize(true);
    await useIt(page, authenticator);
    await consent(page, 'Meadow Notes');
  });

  it('that nobody touches is given up in time; the page says so, and works again', async () => {
    const { page, authenticator } = await withPasskey();
    await page.locator('form[data-passkey]').evaluate((form: HTMLFormElement) => {
      const options = JSON.parse(form.dataset['options'] ?? '{}');
      form.dataset['options'] = JSON.stringify({ ...options, timeout: 500 });
    });
    await press(page, WITH);
    await expectProblem(page, /^No passkey was used/);
    await offered(page);
    await useIt(page, authenticator);
    await consent(page, 'Meadow Notes');
  });

  it('may be asked for twice: the first time is over then, and nothing is said of it', async () => {
    const { page, authenticator } = await withPasskey();
    await press(page, WITH);
    await useIt(page, authenticator);
    await consent(page, 'Meadow Notes');
  });

  it('that this server does not know is refused on the page, beside its button', async () => {
    const { account, page, authenticator } = await withPasskey();
    const { passkeys, accounts } = world.server.app.stores;
    const [passkey] = await passkeys.ofAccount(account.id);
    const owner = await accounts.find(account.id);
    if (!passkey || !owner) throw new Error('no passkey');
    await passkeys.remove(owner, passkey.id, { actor: account.id, address: null, requestId: null });
    // Or the page that comes next would be answered by it too.
    await page.route('**/passkey', async (route) => {
      await authenticator.touch(false);
      await route.continue();
    });
    await useIt(page, authenticator);
    await expectProblem(page, /^That passkey was not accepted/);
    await givePassword(page, account.email);
    await consent(page, 'Meadow Notes');
  });

  it.each([
    ['in a browser that has none of it', {}, 'delete window.PublicKeyCredential'],
    ['without JavaScript', { javaScriptEnabled: false }, ''],
  ])('is not missed %s', async (_, options, script) => {
    const { account } = await withPasskey();
    const page = await open(options);
    if (script) await page.addInitScript(script);
    await page.goto(`${world.webApp.url}/login`);
    await heading(page, 'Sign in');
    expect(await page.getByRole('button', { name: WITH }).isVisible()).toBe(false);
    await givePassword(page, account.email, PASSWORD);
    await heading(page, 'Use your passkey');
    expect(await page.getByText('This browser cannot use passkeys').isVisible()).toBe(true);
    expect(await page.getByRole('button', { name: 'Use passkey' }).isVisible()).toBe(false);
    await page.getByRole('link', { name: 'Use a recovery code instead' }).click();
    await heading(page, 'Use a recovery code');
    await page.getByRole('link', { name: 'Use a passkey instead' }).click();
    await heading(page, 'Use your passkey');
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    it.each([390, 1280])(`looks well in ${colorScheme} at %d`, async (width) => {
      const page = await signInPage({ colorScheme, viewport: { width, height: 844 } });
      const { email, id } = await world.server.addAccount({ totpSecret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP' });
      const authenticator = await plugIn(page);
      await authenticator.register(world.server, id);
      await picture(page, `passkey sign-in ${colorScheme} ${width}`);
      await givePassword(page, email);
      await heading(page, 'Use your passkey');
      await picture(page, `passkey second ${colorScheme} ${width}`);
      await page.getByRole('link', { name: 'Use the authenticator app instead' }).click();
      await heading(page, 'Enter your code');
      await picture(page, `passkey totp ${colorScheme} ${width}`);
    });
  }
});
