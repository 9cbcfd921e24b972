import type { WebAuthnEmulator } from 'nid-webauthn-emulator';
import { type Page, unescapeHtml } from './user-agent.ts';

/** What the page of a new passkey hands to the browser. */
export function creationOptionsOn({ html, url, status }: Page) {
  const [, options] = /data-passkey="create" data-options="([^"]*)"/.exec(html) ?? [];
  if (!options) throw new Error(`no passkey is asked for on ${url} (${status})`);
  return JSON.parse(unescapeHtml(options)) as {
    challenge: string;
    user: { id: string; name: string };
    rp: { id: string };
    excludeCredentials: { id: string }[];
    authenticatorSelection: object;
  };
}

/** What the script of that page puts into its form. */
export function createdOn(page: Page, device: WebAuthnEmulator): { credential: string } {
  return { credential: JSON.stringify(device.createJSON(new URL(page.url).origin, creationOptionsOn(page) as never)) };
}
