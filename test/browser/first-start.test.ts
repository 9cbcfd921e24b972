import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { offerSetup } from '../../src/setup/offer.ts';
import { codeOf } from '../support/sign-in.ts';
import { consent, enrol, giveCode, givePassword, heading, press, text } from './steps.ts';
import { inChromium } from './support.ts';
import { startWorld, type World } from './world.ts';

const EMAIL = 'ada@example.org';
const SECRET_WORDS = 'seven quiet otters';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

inChromium('the first start', (open) => {
  it('makes one administrator with two factors, by a link that works once', async () => {
    const link = await setupLink();
    const page = await open();
    await page.goto(link);
    await heading(page, 'Create the administrator');
    expect(page.url(), 'the token leaves the address').toBe(`${world.server.issuer}/setup`);

    await page.keyboard.type('Ada Lovelace');
    await page.getByLabel('Email').fill(EMAIL);
    const strength = page.getByRole('status');
    for (const [typed, said] of [
      ['short', 'Very easily guessed'],
      ['Ada Lovelace', 'Very easily guessed'],
      [SECRET_WORDS, 'Very hard to guess'],
    ] as const) {
      await page.getByLabel('Password').fill(typed);
      await expect.poll(() => strength.textContent()).toBe(said);
    }
    expect(await strength.getAttribute('aria-live')).toBe('polite');
    await press(page, 'Continue');
    const { secret } = await enrol(page, EMAIL);
    await heading(page, 'Gatewright is ready');
    expect(await page.locator('pre').innerText()).toMatch(/^npx gatewright client create /);

    const stranger = await open();
    expect((await stranger.goto(link))?.status()).toBe(410);
    await heading(stranger, 'This link does not work any more');
    expect((await page.goto(`${world.server.issuer}/setup`))?.status()).toBe(410);

    await page.goto(`${world.webApp.url}/login`);
    await givePassword(page, EMAIL, SECRET_WORDS);
    await giveCode(page, codeOf(secret, 1));
    await consent(page, 'Meadow Notes');
    await heading(page, 'Hello, Ada Lovelace');
    expect(await text(page, 'amr')).toBe('pwd otp mfa');
  });
});

/** As an operator reads it from the terminal. */
async function setupLink(): Promise<string> {
  const { config, app } = world.server;
  let printed = '';
  const terminal = { write: (text: string) => (printed += text) };
  await offerSetup({ config, stores: app.stores, log: pino({ enabled: false }), terminal });
  return /http\S+/.exec(printed)?.[0] ?? '';
}
