import type { BrowserContextOptions } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { addDevices, askAsDevice, poll, type Shown } from '../support/devices.ts';
import { startTestServer, type TestClient, type TestServer } from '../support/server.ts';
import { consent, givePassword, heading, press } from './steps.ts';
import { inChromium, picture } from './support.ts';

let server: TestServer;
let client: TestClient;
beforeAll(async () => {
  server = await startTestServer({ SECOND_FACTOR: 'optional' });
  client = await addDevices(server, { clientUri: 'https://tv.example.org' });
});
afterAll(() => server[Symbol.asyncDispose]());

const KINDS: [string, BrowserContextOptions][] = [
  ['on a phone', { viewport: { width: 390, height: 844 } }],
  ['in the dark', { colorScheme: 'dark' }],
  ['without JavaScript', { javaScriptEnabled: false }],
];

async function shown(): Promise<Shown> {
  return (await askAsDevice(server, client)).body;
}

inChromium('a device', (open) => {
  it.each(KINDS)('is connected %s, after a code that was mistyped', async (name, options) => {
    const { email } = await server.addAccount();
    const { user_code, verification_uri, device_code } = await shown();
    const page = await open(options);
    await page.goto(verification_uri);
    await heading(page, 'Connect a device');
    const field = page.getByLabel('Code on the device');
    expect(await field.getAttribute('autocomplete')).toBe('off');
    await picture(page, `device ${name} 0 code`);
    await field.fill('bbbb bbbb');
    await press(page, 'Continue');
    await page.getByRole('alert').getByText('No device waits for this code').waitFor();
    expect(await field.inputValue()).toBe('bbbb bbbb');
    await picture(page, `device ${name} 1 wrong`);

    await field.fill(user_code.toLowerCase().replace('-', ' '));
    await field.press('Enter');
    await heading(page, 'Is this your device?');
    expect(await page.locator('.key').innerText()).toBe(user_code);
    await page.getByText('tv.example.org').waitFor();
    await picture(page, `device ${name} 2 question`);
    await press(page, 'It is mine, continue');
    await givePassword(page, email);
    await consent(page, 'Living room TV');
    await heading(page, 'Your device is connected');
    await picture(page, `device ${name} 3 connected`);
    expect((await poll(server, client, device_code)).status).toBe(200);
  });

  it.each(KINDS)('that somebody sent a link for is turned away %s', async (name, options) => {
    const { verification_uri_complete, device_code } = await shown();
    const page = await open({ locale: 'de', ...options });
    await page.goto(verification_uri_complete);
    await heading(page, 'Gerät verbinden');
    expect(page.url()).not.toContain('user_code');
    await press(page, 'Weiter');
    await heading(page, 'Ist das Ihr Gerät?');
    await picture(page, `device ${name} 4 question in German`);
    await press(page, 'Das ist nicht meins');
    await heading(page, 'Das Gerät wurde abgewiesen');
    expect((await poll(server, client, device_code)).body.error).toBe('access_denied');
  });
});
