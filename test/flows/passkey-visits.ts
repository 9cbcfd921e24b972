import type { WebAuthnEmulator } from 'nid-webauthn-emulator';
import { expect } from 'vitest';
import { byPasskey } from '../support/passkey-visit.ts';
import { aDevice, addPasskey } from '../support/passkeys.ts';
import type { TestServer } from '../support/server.ts';
import { type Page, textOf } from '../support/user-agent.ts';
import { ask, stepOf, type Visit, type VisitOptions, visit } from '../support/visit.ts';

const NOT_ACCEPTED = 'That passkey was not accepted';

/** An authenticator that says of nobody who touched it. */
export const unverified = { userGetAssertionInteraction: () => ({ options: { uv: false, up: true } }) };

export async function withPasskey(server: TestServer, options: VisitOptions = {}, device = aDevice()) {
  const person = await visit(server, options);
  const passkeyId = await addPasskey(server, person.account.id, device);
  return { ...person, device, passkeyId };
}

/** From the authorization endpoint to the tokens. */
export async function enterByPasskey(
  person: Visit & { device: WebAuthnEmulator },
  parameters: Record<string, string> = {},
) {
  const { authorization, page } = await ask(person, parameters);
  return person.party.redeem(await byPasskey(person.agent, page, person.device), authorization);
}

export const eventsOf = async (server: TestServer, accountId: string, event: string) =>
  (await server.app.stores.auditTrail.latest(100, { event })).filter((one) => one.accountId === accountId);

/** A form whose step is still due, and what was said of it. */
export function expectRefused(page: Page, step: 'password' | 'passkey'): void {
  expect([page.status, stepOf(page), textOf(page.html)]).toEqual([422, step, expect.stringContaining(NOT_ACCEPTED)]);
}

/** A passkey that no server has heard of. */
export function aStranger(server: TestServer): WebAuthnEmulator {
  const stranger = aDevice();
  stranger.createJSON(server.issuer, creation());
  return stranger;
}

const creation = () =>
  ({
    ...{ rp: { id: 'localhost', name: 'x' }, user: { id: 'AAAA', name: 'x', displayName: 'x' } },
    ...{ challenge: 'AAAA', pubKeyCredParams: [{ type: 'public-key', alg: -7 }] },
  }) as Parameters<WebAuthnEmulator['createJSON']>[1];
