import type { WebAuthnEmulator } from 'nid-webauthn-emulator';
import { byPasskey } from '../support/passkey-visit.ts';
import type { Page, UserAgent } from '../support/user-agent.ts';

/** Signs in by a passkey alone. */
export async function enterByPasskey(agent: UserAgent, device: WebAuthnEmulator, path = '/account'): Promise<Page> {
  return provePasskey(agent, await agent.follow(path), device);
}

/** On a page that asks for one, among others perhaps. */
export async function provePasskey(agent: UserAgent, page: Page, device: WebAuthnEmulator): Promise<Page> {
  const form = page.forms.find(({ action }) => action.endsWith('/passkey'));
  if (!form) throw new Error(`no form for a passkey at ${page.url} (${page.status})`);
  return byPasskey(agent, { ...page, forms: [form] }, device);
}
