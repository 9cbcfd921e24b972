import type { WebAuthnEmulator } from 'nid-webauthn-emulator';
import { type Page, type UserAgent, unescapeHtml } from './user-agent.ts';

type Options = Parameters<WebAuthnEmulator['getJSON']>[1];

/** What the page asks `navigator.credentials.get()`. */
export function optionsOn(page: Page): Options {
  const [, options] = /data-passkey="get" data-options="([^"]+)"/.exec(page.html) ?? [];
  if (!options) throw new Error(`no passkey is asked for at ${page.url} (${page.status})`);
  return JSON.parse(unescapeHtml(options));
}

/** What the page's script would put into its form, of a device that goes by these options. */
export function credentialOf(device: WebAuthnEmulator, page: Page, changed: Partial<Options> = {}): string {
  return JSON.stringify(device.getJSON(new URL(page.url).origin, { ...optionsOn(page), ...changed }));
}

/** As the page's script does. */
export function byPasskey(agent: UserAgent, page: Page, device: WebAuthnEmulator): Promise<Page> {
  return agent.submit(page, { credential: credentialOf(device, page) });
}
