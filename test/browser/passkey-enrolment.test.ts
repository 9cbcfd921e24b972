import type { BrowserContextOptions, CDPSession, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newId } from '../../src/lib/ids.ts';
import { startMailServer } from '../support/mail-server.ts';
import { consent, givePassword, heading, press } from './steps.ts';
import { inChromium, picture } from './support.ts';
import { startWorld, type World } from './world.ts';

let post: Awaited<ReturnType<typeof startMailServer>>;
let world: World;
beforeAll(async () => {
  post = await startMailServer();
  world = await startWorld({
    ...{ SIGN_UP: 'open', SITE_NAME: 'Meadow', PHISHING_RESISTANT: 'everyone' },
    ...{ SMTP_URL: post.url, MAIL_FROM: 'id@example.org' },
  });
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await post.close();
});

interface Device {
  id: string;
  session: CDPSession;
}

/** A device in which Chromium makes passkeys by itself: whoever holds it is there, and verified where `user` says so. */
async function withDevice(page: Page, { user = true } = {}): Promise<Device> {
  const session = await page.context().newCDPSession(page);
  await session.send('WebAuthn.enable');
  const { authenticatorId: id } = await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      ...{ protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true },
      ...{ isUserVerified: user, automaticPresenceSimulation: true },
    },
  });
  return { id, session };
}

async function credentialsOn({ id: authenticatorId, session }: Device) {
  return (await session.send('WebAuthn.getCredentials', { authenticatorId })).credentials;
}

async function letterTo(email: string): Promise<{ subject: string; href: string }> {
  for (let round = 0; round < 3; round += 1) await world.server.app.worker.run();
  const letter = post.received.findLast(({ to }) => to.includes(email));
  const { subject = '', html = '' } = letter?.mail ?? {};
  return { subject, href: /href="([^"]+)"/.exec(html)?.[1] ?? '' };
}

async function look(page: Page, name: string): Promise<void> {
  const overflow = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return scrollWidth - clientWidth;
  });
  expect(overflow, `${page.url()} scrolls sideways`).toBe(0);
  await picture(page, `passkey-enrolment ${name}`);
}

inChromium('a passkey that is demanded', (open) => {
  async function enrol(options: BrowserContextOptions, name: string): Promise<void> {
    const { email, id } = await world.server.addAccount();
    const page = await open(options);
    const device = await withDevice(page);
    await page.goto(`${world.webApp.url}/login`);
    await givePassword(page, email);
    await heading(page, 'Add a passkey');
    expect(await page.getByText('This browser cannot create passkeys').isVisible()).toBe(false);
    await look(page, `${name} 1`);
    await page.getByLabel('Name of the passkey').fill('My laptop');
    await press(page, 'Add a passkey');
    await heading(page, 'Keep these codes');
    await press(page, 'I kept them');
    await consent(page, 'Meadow Notes');
    await page.getByText('phishing-resistant').first().waitFor();
    expect(await world.server.app.stores.passkeys.ofAccount(id)).toMatchObject([{ name: 'My laptop' }]);
    expect(await credentialsOn(device)).toMatchObject([
      { isResidentCredential: true, rpId: 'localhost', userHandle: Buffer.from(id).toString('base64') },
    ]);
    expect((await letterTo(email)).subject).toBe('A passkey was added to your account');
    // The sign-in page asks for what the browser fills in, and who is always there takes what is offered.
    await page.context().clearCookies();
    await page.goto(`${world.webApp.url}/login`);
    await page.getByText('phishing-resistant').first().waitFor();
  }

  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [390, 1280]) {
      it(`is registered at sign-in, ${width} px, ${colorScheme}`, () =>
        enrol({ viewport: { width, height: 844 }, colorScheme }, `${width} ${colorScheme}`));
    }
  }

  it('is not made by a device that cannot tell who holds it, which the page says', async () => {
    const { email, id } = await world.server.addAccount();
    const page = await open({ viewport: { width: 390, height: 844 } });
    const { id: authenticatorId, session } = await withDevice(page, { user: false });
    await page.goto(`${world.webApp.url}/login`);
    await givePassword(page, email);
    await heading(page, 'Add a passkey');
    await press(page, 'Add a passkey');
    await page
      .getByRole('alert')
      .getByText(/No passkey was created/)
      .waitFor();
    await look(page, 'refused');
    expect(await world.server.app.stores.passkeys.ofAccount(id)).toEqual([]);
    // Without a new page: what was not answered may be answered still.
    await session.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: true });
    await press(page, 'Add a passkey');
    await heading(page, 'Keep these codes');
  });

  it('is said to be needed where there are no scripts, and one goes back to the application', async () => {
    const { email } = await world.server.addAccount();
    const page = await open({ javaScriptEnabled: false, viewport: { width: 390, height: 844 } });
    await page.goto(`${world.webApp.url}/login`);
    await givePassword(page, email);
    await heading(page, 'Add a passkey');
    await page.getByText('This browser cannot create passkeys').waitFor();
    expect(await page.getByRole('button', { name: 'Add a passkey' }).isVisible()).toBe(false);
    await look(page, 'plain');
    await press(page, 'Cancel and go back to Meadow Notes');
    await page.waitForURL(`${world.webApp.url}/**`);
  });
});

inChromium('a sign-up by passkey', (open) => {
  async function signUp(options: BrowserContextOptions, name: string): Promise<void> {
    const email = `${newId('acc').slice(4).toLowerCase()}@example.org`;
    const page = await open(options);
    const device = await withDevice(page);
    await page.goto(`${world.webApp.url}/login`);
    await page.getByRole('link', { name: 'Create an account' }).click();
    await page.getByLabel('Email').fill(email);
    await press(page, 'Send the link');
    await heading(page, 'Look into your mailbox');
    await page.goto((await letterTo(email)).href);
    await heading(page, 'Create your account');
    await look(page, `sign-up ${name} 1`);
    await page.getByRole('link', { name: 'Use a passkey instead of a password' }).click();
    await look(page, `sign-up ${name} 2`);
    await page.getByLabel('Name').fill('Ada Lovelace');
    await press(page, 'Create the account with a passkey');
    await heading(page, 'Your account is ready');
    expect(await page.locator('#codes li').allInnerTexts()).toHaveLength(10);
    await look(page, `sign-up ${name} 3`);
    const account = await world.server.app.stores.accounts.findByEmail(email);
    expect(account).toMatchObject({ passwordHash: null, hasPasskey: true });
    expect((await credentialsOn(device)).map(({ userHandle }) => userHandle)).toEqual([
      Buffer.from(account?.id ?? '').toString('base64'),
    ]);

    await page.getByRole('link', { name: 'Sign in' }).click();
    await consent(page, 'Meadow Notes');
    await page.getByText('Ada Lovelace').first().waitFor();
  }

  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [390, 1280]) {
      it(`goes by the letter back into the application, ${width} px, ${colorScheme}`, () =>
        signUp({ viewport: { width, height: 844 }, colorScheme }, `${width} ${colorScheme}`));
    }
  }
});
