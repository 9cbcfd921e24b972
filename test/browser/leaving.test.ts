import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createRelyingParty } from '../support/relying-party.ts';
import { type Landing, startLanding } from './landing.ts';
import { consent, givePassword, heading, press, signOutAtServer, text } from './steps.ts';
import { inChromium } from './support.ts';
import { startWorld, type World } from './world.ts';

let world: World;
let landing: Landing;
beforeAll(async () => {
  world = await startWorld();
  landing = await startLanding();
});
afterAll(async () => {
  await landing[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

/** The policy of our pages lets forms go nowhere else; Chromium holds every redirect that follows a form to that. */
inChromium('leaving for the application', (open) => {
  for (const javaScriptEnabled of [true, false]) {
    const scripts = `JavaScript ${javaScriptEnabled ? 'on' : 'off'}`;

    it(`reaches one that redirects on to another origin, ${scripts}`, async () => {
      const { account, authorization, party } = await visitor();
      const page = await open({ javaScriptEnabled });
      await page.goto(authorization.url);
      await givePassword(page, account.email);
      await consent(page, 'Meadow Notes');
      await heading(page, 'Landed');

      const { method, parameters } = landing.arrivals.at(-1) ?? {};
      expect(method).toBe('GET');
      await party.redeem({ url: `${landing.callback}?${parameters}` }, authorization);
    });

    it(`posts the answer where response_mode asks for that, ${scripts}`, async () => {
      const { account, authorization, party } = await visitor({ response_mode: 'form_post' });
      const page = await open({ javaScriptEnabled });
      await page.goto(authorization.url);
      await givePassword(page, account.email);
      await consent(page, 'Meadow Notes');
      if (!javaScriptEnabled) await press(page, 'Continue');
      await heading(page, 'Landed');

      const { method, parameters } = landing.arrivals.at(-1) ?? {};
      expect(method).toBe('POST');
      await party.redeem({ url: `${landing.callback}?${parameters}` }, authorization);
    });

    it(`lets another person take over, ${scripts}`, async () => {
      const { server, webApp } = world;
      const [ada, grace] = [await server.addAccount(), await server.addAccount()];
      const page = await open({ javaScriptEnabled });
      await page.goto(`${webApp.url}/login`);
      await givePassword(page, ada.email);
      await consent(page, 'Meadow Notes');
      await page.locator('#sub', { hasText: ada.id }).waitFor();

      await page.goto(`${webApp.url}/login?prompt=login`);
      await givePassword(page, grace.email);
      // The first session ends by a form that scripts send on their own.
      if (!javaScriptEnabled) await press(page, 'Continue');
      await heading(page, 'Allow Meadow Notes?');
      // The application hears of that behind the browser's back, while the second person is on the way to it.
      await expect.poll(() => isSignedIn(page), { timeout: 10_000 }).toBe(false);
      await consent(page, 'Meadow Notes');
      await page.locator('#sub', { hasText: grace.id }).waitFor();
      expect(await text(page, 'email')).toBe(grace.email);
    });

    it(`takes a refusal along, ${scripts}`, async () => {
      const account = await world.server.addAccount();
      const page = await open({ javaScriptEnabled });
      await page.goto(`${world.webApp.url}/login`);
      await press(page, 'Cancel and go back to Meadow Notes');
      await page.locator('#error', { hasText: 'access_denied' }).waitFor();

      await page.goto(`${world.webApp.url}/login`);
      await givePassword(page, account.email);
      await heading(page, 'Allow Meadow Notes?');
      await press(page, 'Deny');
      await page.locator('#error', { hasText: 'access_denied' }).waitFor();
    });

    it(`signs out without a word from the application, or stays, ${scripts}`, async () => {
      const { server, webApp } = world;
      const account = await server.addAccount();
      const page = await open({ javaScriptEnabled });
      await page.goto(`${webApp.url}/login`);
      await givePassword(page, account.email);
      await consent(page, 'Meadow Notes');
      await page.locator('#sub').waitFor();

      await page.goto(`${server.issuer}/oauth2/logout`);
      await press(page, 'Stay signed in');
      await page.getByRole('main').waitFor();
      await page.goto(`${webApp.url}/login`);
      await page.locator('#sub', { hasText: account.id }).waitFor();

      await page.goto(`${server.issuer}/oauth2/logout`);
      await signOutAtServer(page);
      await heading(page, 'You are signed out');
      await page.goto(`${webApp.url}/login`);
      await heading(page, 'Sign in');
    });
  }

  async function isSignedIn(page: Page): Promise<boolean> {
    const answer = await page.request.get(world.webApp.url, { headers: { accept: 'application/json' } });
    return ((await answer.json()) as { signedIn: boolean }).signedIn;
  }

  async function visitor(parameters: Record<string, string> = {}) {
    const client = await world.server.addClient('web', { redirectUris: [landing.callback] });
    const party = await createRelyingParty(world.server, client);
    const authorization = await party.authorization({ redirect_uri: landing.callback, ...parameters });
    return { account: await world.server.addAccount(), party, authorization };
  }
});
