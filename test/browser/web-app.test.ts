import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Account } from '../../src/accounts/account.ts';
import { createRecoveryCodes } from '../../src/accounts/recovery-codes.ts';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { codeOf } from '../support/sign-in.ts';
import {
  consent,
  enrol,
  giveCode,
  givePassword,
  giveRecoveryCode,
  heading,
  press,
  signOutAtServer,
  text,
} from './steps.ts';
import { inChromium } from './support.ts';
import { startWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld({ SECOND_FACTOR: 'everyone' });
});
afterAll(() => world[Symbol.asyncDispose]());

inChromium('a web application whose people need two factors', (open) => {
  for (const javaScriptEnabled of [true, false]) {
    it(`from the first sign-in to the last recovery code, JavaScript ${javaScriptEnabled ? 'on' : 'off'}`, async () => {
      const account = await world.server.addAccount({ claims: { name: 'Ada Lovelace' } });
      const page = await open({ javaScriptEnabled });

      await page.goto(world.webApp.url);
      await page.locator('#sign-in').click();
      await givePassword(page, account.email);
      const { secret, recoveryCodes } = await enrol(page, account.email);
      await consent(page, 'Meadow Notes');
      await expectSignedIn(page, account, 'pwd otp mfa');
      await useTokens(page, account);
      await signOut(page);

      await page.locator('#sign-in').click();
      await givePassword(page, account.email);
      // The step of the enrolment is spent; the next one is taken already, as clocks differ.
      await giveCode(page, codeOf(secret, 1));
      await expectSignedIn(page, account, 'pwd otp mfa');
      await signOut(page);

      await page.locator('#sign-in').click();
      await givePassword(page, account.email);
      await giveRecoveryCode(page, recoveryCodes.pop() ?? '');
      await expectSignedIn(page, account, 'pwd mfa');
      await signOut(page);

      await spend(account, recoveryCodes.splice(0, 5));
      await page.locator('#sign-in').click();
      await givePassword(page, account.email);
      // As people type it from paper.
      await giveRecoveryCode(page, (recoveryCodes.pop() ?? '').toUpperCase().replaceAll('-', ' '));
      await heading(page, '3 recovery codes are left');
      await press(page, 'Continue');
      await expectSignedIn(page, account, 'pwd mfa');
      expect(world.logged).toEqual([]);
    });
  }
});

async function expectSignedIn(page: Page, account: Account, methods: string): Promise<void> {
  await heading(page, 'Hello, Ada Lovelace');
  expect(page.url()).toBe(`${world.webApp.url}/`);
  expect(await text(page, 'sub')).toBe(account.id);
  expect(await text(page, 'email')).toBe(account.email);
  expect(await text(page, 'acr')).toBe('urn:gatewright:acr:two-factor');
  expect(await text(page, 'amr')).toBe(methods);
}

async function useTokens(page: Page, account: Account): Promise<void> {
  await page.locator('#userinfo-link').click();
  expect(JSON.parse(await text(page, 'userinfo'))).toMatchObject({ sub: account.id, email: account.email });
  await page.getByRole('link', { name: 'Back' }).click();

  expect(await text(page, 'refreshed')).toBe('0');
  await page.locator('#refresh').click();
  await page.locator('#refreshed', { hasText: '1' }).waitFor();
  expect(await text(page, 'acr')).toBe('urn:gatewright:acr:two-factor');

  await page.locator('#api-link').click();
  expect(await text(page, 'api-status')).toBe('200');
  await page.getByLabel('New note').fill('Buy milk');
  await page.locator('#add-note').click();
  await page.locator('#api', { hasText: 'Buy milk' }).waitFor();
  await page.getByRole('link', { name: 'Back' }).click();
}

/** Ends here and at the server: the next sign-in asks for everything again. */
async function signOut(page: Page): Promise<void> {
  await page.locator('#sign-out').click();
  await signOutAtServer(page);
  await page.locator('#signed-out').waitFor();
  expect(page.url()).toBe(`${world.webApp.url}/signed-out`);
  await page.goto(world.webApp.url);
  expect(await page.locator('#sub').count()).toBe(0);
}

async function spend(account: Account, codes: string[]): Promise<void> {
  const { accounts, lastingKeys } = world.server.app.stores;
  const recoveryCodes = createRecoveryCodes({ accounts, key: lastingKeys.recoveryCodes });
  for (const code of codes) await recoveryCodes.spend(account.id, code, BY_OPERATOR);
}
