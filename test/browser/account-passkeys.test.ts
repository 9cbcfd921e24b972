import type { CDPSession, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../support/server.ts';
import { givePassword, heading, press } from './steps.ts';
import { inChromium, picture } from './support.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server[Symbol.asyncDispose]());

/** A device of its own beside the browser, which verifies its user; with a provider, its passkeys are synced. */
async function plugIn(cdp: CDPSession, { synced }: { synced: boolean }): Promise<() => Promise<void>> {
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      ...{ protocol: 'ctap2', transport: synced ? 'internal' : 'usb', hasResidentKey: true },
      ...{ hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
      ...{ defaultBackupEligibility: synced, defaultBackupState: synced },
    },
  });
  return async () => {
    await cdp.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId });
  };
}

async function register(page: Page, name: string): Promise<void> {
  await page.goto(`${server.issuer}/account/passkeys/new`);
  await heading(page, 'Add a passkey');
  await page.getByLabel('Name of the passkey').fill(name);
  await press(page, 'Create a passkey');
}

inChromium('passkeys in the account pages', (open) => {
  it('are two, named, one synced and one on a device; then without a password, and back', async () => {
    const { email, id } = await server.addAccount();
    const page = await open();
    const cdp = await page.context().newCDPSession(page);
    await cdp.send('WebAuthn.enable');
    await page.goto(`${server.issuer}/account`);
    await givePassword(page, email);
    const unplugPhone = await plugIn(cdp, { synced: true });
    await register(page, 'My phone');
    await heading(page, 'Keep these codes');
    await press(page, 'I kept them');
    await page.getByText('10 are left').waitFor();

    // The factor that is there is asked for before another one is added.
    await page.goto(`${server.issuer}/account/passkeys/new`);
    await press(page, 'Sign in with a passkey');
    await heading(page, 'Add a passkey');
    await register(page, 'My phone');
    // One device keeps one passkey of an account: the browser says so before the server is asked.
    await page.getByText('This device has a passkey of your account already').waitFor();
    await unplugPhone();
    const unplugKey = await plugIn(cdp, { synced: false });
    await register(page, 'My key');
    await heading(page, 'Passkeys');
    await page.getByText('synced between your devices').waitFor();
    await page.getByText('on one device only').waitFor();
    await picture(page, 'two-passkeys');
    const stored = await server.app.stores.passkeys.ofAccount(id);
    expect(stored.map(({ name, synced }) => [name, synced])).toEqual([
      ['My phone', true],
      ['My key', false],
    ]);

    await page.goto(`${server.issuer}/account/password`);
    await press(page, 'Remove the password');
    await page.getByText('Your password is removed').waitFor();
    await press(page, 'Sign out');
    await page.goto(`${server.issuer}/account`);
    await press(page, 'Sign in with a passkey');
    await page.getByText('You have none: you sign in with a passkey').waitFor();

    await page.goto(`${server.issuer}/account/passkeys`);
    await press(page, 'Remove My phone');
    await page.getByText('This is your only way to sign in').waitFor();
    await picture(page, 'last-passkey');
    expect(await page.getByRole('button', { name: 'Remove My key' }).count()).toBe(0);

    await page.getByRole('link', { name: 'Set a password' }).click();
    await page.getByLabel('New password').fill('seven quiet otters climb');
    await press(page, 'Set a password');
    await page.getByText('Your password is changed').waitFor();
    await unplugKey();
  });

  it('say what to do where scripts are off', async () => {
    const { email } = await server.addAccount();
    const page = await open({ javaScriptEnabled: false });
    await page.goto(`${server.issuer}/account/passkeys/new`);
    await givePassword(page, email);
    await page.getByText('This browser cannot create passkeys, or scripts are turned off in it').waitFor();
    expect(await page.getByRole('button', { name: 'Create a passkey' }).count()).toBe(0);
  });
});
