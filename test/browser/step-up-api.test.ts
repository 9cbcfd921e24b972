import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Account } from '../../src/accounts/account.ts';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { MINUTE } from '../../src/lib/duration.ts';
import { newId } from '../../src/lib/ids.ts';
import { codeOf } from '../support/sign-in.ts';
import { turnClocks } from '../support/time.ts';
import { consent, giveCode, givePassword, heading, text } from './steps.ts';
import { inChromium, picture } from './support.ts';
import { startWorld, type World } from './world.ts';

const SEED = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
const ENV = { SECOND_FACTOR: 'optional' };

let world: World;
let impatient: World;
beforeAll(async () => {
  world = await startWorld(ENV);
  // However lately they signed in, it was not lately enough.
  impatient = await startWorld(ENV, { freshFor: 0 });
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await impatient[Symbol.asyncDispose]();
});

/** Signed in by password alone, with a note, at the page that speaks to the API. */
async function atTheApi(page: Page, account: Account, { webApp }: World = world): Promise<void> {
  await page.goto(webApp.url);
  await page.locator('#sign-in').click();
  await givePassword(page, account.email);
  await consent(page, 'Meadow Notes');
  await addNote(page);
}

async function addNote(page: Page): Promise<void> {
  await page.locator('#api-link').click();
  await page.getByLabel('New note').fill('Buy milk');
  await page.locator('#add-note').click();
  await page.locator('#api', { hasText: 'Buy milk' }).waitFor();
}

/** Behind the back of the session that they have. */
async function enrol({ id, factorsVersion }: Account): Promise<void> {
  const totp = { id: newId('otp'), name: 'App', secret: SEED, confirmedStep: 0, recoveryCodeHashes: [] };
  expect(await world.server.app.stores.accounts.enrolTotp(id, factorsVersion, totp, BY_OPERATOR)).toBe(true);
}

/** What the application asks of the provider from now on. */
function askedBy(page: Page): URLSearchParams[] {
  const asked: URLSearchParams[] = [];
  page.on('request', (request) => {
    const { pathname, searchParams } = new URL(request.url());
    if (pathname === '/oauth2/authorize') asked.push(searchParams);
  });
  return asked;
}

inChromium('an application whose API asks for more than the sign-in was', (open) => {
  for (const javaScriptEnabled of [true, false]) {
    const script = `JavaScript ${javaScriptEnabled ? 'on' : 'off'}`;

    it(`sends its person to prove a second factor, and does then what they wanted, ${script}`, async () => {
      const account = await world.server.addAccount();
      const page = await open({ javaScriptEnabled });
      await atTheApi(page, account);
      await enrol(account);
      const asked = askedBy(page);
      await page.locator('#export-notes').click();
      await giveCode(page, codeOf(SEED));
      await heading(page, 'The API answered 200');
      expect(page.url()).toBe(`${world.webApp.url}/api/answer`);
      expect(await text(page, 'api')).toContain('Buy milk');
      await picture(page, `step-up-done-${javaScriptEnabled ? 'js' : 'plain'}`);
      expect(asked.map((query) => query.get('acr_values'))).toEqual([
        'urn:gatewright:acr:two-factor urn:gatewright:acr:phishing-resistant',
      ]);
      expect(asked[0]?.get('id_token_hint')).toMatch(/^ey/);
      // The session is of that strength now: no further question.
      await page.locator('#export-notes').click();
      await heading(page, 'The API answered 200');
      expect(asked).toHaveLength(1);
      expect(world.logged).toEqual([]);
    });

    it(`sends its person to sign in anew, and does then what they wanted, ${script}`, async () => {
      const account = await world.server.addAccount();
      const page = await open({ javaScriptEnabled });
      await atTheApi(page, account);
      turnClocks(6 * MINUTE);
      const asked = askedBy(page);
      await page.locator('#forget-notes').click();
      await givePassword(page, account.email);
      await heading(page, 'The API answered 204');
      expect(asked.map((query) => query.get('max_age'))).toEqual(['300']);
      await page.getByRole('link', { name: 'Back' }).click();
      await page.locator('#api-link').click();
      expect(JSON.parse(await text(page, 'api'))).toEqual({ notes: [] });
    });

    it(`shows what the API says where that was not enough, and sends nobody round in circles, ${script}`, async () => {
      const account = await impatient.server.addAccount();
      const page = await open({ javaScriptEnabled });
      await atTheApi(page, account, impatient);
      turnClocks(2);
      const asked = askedBy(page);
      await page.locator('#forget-notes').click();
      await givePassword(page, account.email);
      await page.locator('#not-enough').waitFor();
      expect(await text(page, 'api-status')).toBe('401');
      await picture(page, `step-up-refused-${javaScriptEnabled ? 'js' : 'plain'}`);
      expect(asked.map((query) => query.get('max_age'))).toEqual(['0']);
      await page.reload();
      await page.locator('#not-enough').waitFor();
      expect(asked).toHaveLength(1);
    });
  }

  it('does nothing for somebody else who signs in instead', async () => {
    const [account, other] = [await world.server.addAccount(), await world.server.addAccount()];
    const page = await open();
    await atTheApi(page, account);
    turnClocks(6 * MINUTE);
    await page.context().clearCookies({ name: 'gatewright' });
    await page.locator('#forget-notes').click();
    await givePassword(page, other.email);
    await page.locator('#error', { hasText: 'login_required' }).waitFor();
    await page.getByRole('link', { name: 'Back' }).click();
    expect(await text(page, 'sub')).toBe(account.id);
    await page.locator('#api-link').click();
    await page.locator('#api', { hasText: 'Buy milk' }).waitFor();
  });
});
