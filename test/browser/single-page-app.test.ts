import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Account } from '../../src/accounts/account.ts';
import { consent, givePassword, heading, signOutAtServer, text } from './steps.ts';
import { inChromium } from './support.ts';
import { startWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

inChromium('a single-page application', (open) => {
  it('gets tokens, userinfo and the API across origins, and gives up its session', async () => {
    const { server, singlePageApp } = world;
    const account = await server.addAccount({ claims: { name: 'Ada Lovelace' } });
    const page = await open();
    const crossOrigin = answersTo(page, server.issuer);

    await page.goto(singlePageApp.url);
    await page.locator('#sign-in-silently').click();
    await page.locator('#error', { hasText: 'login_required' }).waitFor();

    await page.locator('#sign-in').click();
    await givePassword(page, account.email);
    await consent(page, 'Meadow Board');
    await expectSignedIn(page, account);

    await page.locator('#load-userinfo').click();
    await page.locator('#result', { hasText: account.email }).waitFor();
    await page.locator('#refresh').click();
    await page.locator('#refreshed', { hasText: '1' }).waitFor();
    await page.getByLabel('New note').fill('Buy milk');
    await page.getByRole('button', { name: 'Add' }).click();
    await page.locator('#result', { hasText: '201' }).waitFor();
    await page.locator('#call-api').click();
    await page.locator('#result', { hasText: '"status": 200' }).waitFor();
    expect(crossOrigin).toEqual(new Map(EXPECTED_ENDPOINTS.map((path) => [path, singlePageApp.url])));

    // Tokens are gone with the page, the session at the server is not.
    await page.reload();
    await page.locator('#sign-in-silently').click();
    await expectSignedIn(page, account);

    await page.locator('#sign-out').click();
    await signOutAtServer(page);
    await page.getByText('You are signed out, here and at the provider.').waitFor();
    expect(page.url()).toBe(`${singlePageApp.url}/signed-out`);
    await page.locator('#sign-in-silently').click();
    await page.locator('#error', { hasText: 'login_required' }).waitFor();
  });
});

const EXPECTED_ENDPOINTS = ['/oauth2/token', '/oauth2/userinfo'];

/** Which origin each endpoint let read its answer. Discovery and keys are for everybody. */
function answersTo(page: Page, issuer: string): Map<string, string | undefined> {
  const allowed = new Map<string, string | undefined>();
  page.on('response', (response) => {
    const { origin, pathname } = new URL(response.url());
    if (origin !== issuer || response.request().method() === 'OPTIONS') return;
    if (EXPECTED_ENDPOINTS.includes(pathname)) {
      allowed.set(pathname, response.headers()['access-control-allow-origin']);
    }
  });
  return allowed;
}

async function expectSignedIn(page: Page, account: Account): Promise<void> {
  await heading(page, 'Hello, Ada Lovelace');
  expect(new URL(page.url()).pathname).toBe('/');
  expect(await text(page, 'sub')).toBe(account.id);
  expect(await text(page, 'email')).toBe(account.email);
  expect(await text(page, 'acr')).toBe('urn:gatewright:acr:one-factor');
  expect(await text(page, 'amr')).toBe('pwd');
}
