import jsQR from 'jsqr';
import type { Page } from 'playwright-core';
import { PNG } from 'pngjs';
import { expect } from 'vitest';
import { PASSWORD } from '../support/server.ts';
import { codeOf } from '../support/sign-in.ts';

/** What a person does on the pages of the server, by what the person sees there. */

export async function heading(page: Page, name: string | RegExp): Promise<void> {
  await page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
}

export async function press(page: Page, name: string | RegExp): Promise<void> {
  await page.getByRole('button', { name, exact: true }).click();
}

export async function givePassword(page: Page, email: string, password = PASSWORD): Promise<void> {
  await heading(page, 'Sign in');
  await page.getByLabel('Email').fill(email);
  await page.getByLabel('Password').fill(password);
  await press(page, 'Sign in');
}

export async function giveCode(page: Page, code: string): Promise<void> {
  await heading(page, 'Enter your code');
  await page.getByLabel('Code', { exact: true }).fill(code);
  await press(page, 'Continue');
}

export async function giveRecoveryCode(page: Page, code: string): Promise<void> {
  await heading(page, 'Enter your code');
  await page.getByRole('link', { name: 'Use a recovery code instead' }).click();
  await heading(page, 'Use a recovery code');
  await page.getByLabel('Recovery code').fill(code);
  await press(page, 'Continue');
}

/** Scans the QR code as a phone would, confirms it, and takes the recovery codes. `look` sees the page of those. */
export async function enrol(
  page: Page,
  email: string,
  look: (recoveryCodes: string[]) => Promise<void> = async () => {},
): Promise<{ secret: string; recoveryCodes: string[] }> {
  await heading(page, 'Add your authenticator app');
  const otpauthUri = await scan(page);
  expect(otpauthUri).toMatch(new RegExp(`^otpauth://totp/Gatewright:${encodeURIComponent(email)}\\?`));
  const secret = new URL(otpauthUri).searchParams.get('secret') ?? '';
  await page.getByText('Cannot scan? Show the key').click();
  expect((await page.locator('.key').innerText()).replaceAll(' ', '')).toBe(secret);
  await page.getByLabel('Code', { exact: true }).fill(codeOf(secret));
  await press(page, 'Confirm');

  await heading(page, 'Keep these codes');
  const recoveryCodes = await page.locator('#codes li').allInnerTexts();
  expect(recoveryCodes).toHaveLength(10);
  await look(recoveryCodes);
  await press(page, 'I kept them');
  return { secret, recoveryCodes };
}

/** What the QR code on the screen says, read from its picture. */
export async function scan(page: Page): Promise<string> {
  const { data, width, height } = PNG.sync.read(await page.locator('.qr').screenshot());
  const found = jsQR.default(new Uint8ClampedArray(data), width, height);
  expect(found, 'a QR code can be read from the screen').not.toBeNull();
  return found?.data ?? '';
}

export async function consent(page: Page, client: string): Promise<void> {
  await heading(page, `Allow ${client}?`);
  await press(page, 'Allow');
}

export async function signOutAtServer(page: Page): Promise<void> {
  await heading(page, 'Sign out?');
  await press(page, 'Sign out');
}

export function text(page: Page, id: string): Promise<string> {
  return page.locator(`#${id}`).innerText();
}
