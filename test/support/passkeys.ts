import {
  AuthenticatorEmulator,
  type AuthenticatorParameters,
  PasskeysCredentialsMemoryRepository,
  WebAuthnEmulator,
} from 'nid-webauthn-emulator';
import { createChallenges } from '../../src/accounts/challenges.ts';
import { createPasskeys } from '../../src/accounts/passkeys.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { newId } from '../../src/lib/ids.ts';
import type { TestServer } from './server.ts';

/** A device with passkeys on it, which verifies its user and counts, unless it is told not to. */
export function aDevice(parameters: Partial<AuthenticatorParameters> = {}): WebAuthnEmulator {
  // All devices would have the same passkeys otherwise.
  const credentialsRepository = new PasskeysCredentialsMemoryRepository();
  return new WebAuthnEmulator(new AuthenticatorEmulator({ credentialsRepository, ...parameters }));
}

/** A device, or a browser that has one. */
export interface Registering {
  createJSON(origin: string, options: never): unknown;
}

/** Registers a passkey of this device for an account, as the pages would. @returns the passkey's id */
export async function addPasskey(
  { app, issuer, config }: TestServer,
  accountId: string,
  device: Registering,
  name = 'Passkey',
): Promise<string> {
  const { accounts, passkeys: store, keyring } = app.stores;
  const challenges = createChallenges({ keyring, clock: systemClock });
  const passkeys = createPasskeys({ store, challenges, issuer, siteName: config.siteName, acceptCounters: false });
  const account = await accounts.find(accountId);
  if (!account) throw new Error('a passkey for nobody');
  const occasion = `test/${newId('req')}`;
  const options = await passkeys.creationOptions(occasion, { id: accountId, email: account.email, name: undefined });
  const response = await device.createJSON(issuer, options as never);
  const { registered } = await passkeys.verifyCreation(occasion, response as never);
  const id = newId('psk');
  const passkey = { id, name, recoveryCodeHashes: null, ...registered };
  if (!(await store.enrol(account, passkey, { actor: accountId, address: null, requestId: null }))) {
    throw new Error('a passkey for an account that changed');
  }
  return id;
}
