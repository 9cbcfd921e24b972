import { Refusal } from '../lib/errors.ts';
import { newId } from '../lib/ids.ts';
import type { NewPasskey, RegisteredPasskey } from './passkey-store.ts';
import type { RegistrationResponseJSON } from './passkeys.ts';
import type { RecoveryCodes } from './recovery-codes.ts';

/** More than any authenticator says where no attestation is asked for. */
const LONGEST_ANSWER = 8192;
const LONGEST_NAME = 60;
const BASE64URL = /^[\w-]+$/;
/** WebAuthn Level 3, 5.8.4. Others that a browser may know are left out: they are hints. */
const TRANSPORTS = ['ble', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb'] as const;

/**
 * What a browser's script put into a form after `navigator.credentials.create()`, and no more of it than is looked at.
 * @throws {Refusal} `passkey_refused`
 */
export function registrationIn(text: string): RegistrationResponseJSON {
  const { id, response } = objectIn(text);
  const { clientDataJSON, attestationObject, transports } = (response ?? {}) as Record<string, unknown>;
  if (!isBase64Url(id) || !isBase64Url(clientDataJSON) || !isBase64Url(attestationObject)) {
    throw new Refusal('passkey_refused', 422);
  }
  const known = TRANSPORTS.filter((one) => Array.isArray(transports) && transports.includes(one));
  return {
    ...{ id, rawId: id, type: 'public-key', clientExtensionResults: {} },
    response: { clientDataJSON, attestationObject, transports: known },
  };
}

function objectIn(text: string): Record<string, unknown> {
  if (text.length > LONGEST_ANSWER) throw new Refusal('passkey_refused', 422);
  try {
    return { ...JSON.parse(text) };
  } catch (cause) {
    throw new Refusal('passkey_refused', 422, { cause });
  }
}

function isBase64Url(value: unknown): value is string {
  return typeof value === 'string' && BASE64URL.test(value);
}

/** The passkey as it is kept, with the recovery codes that come with an account's first second factor, to show once. */
export function withCodes(
  recoveryCodes: RecoveryCodes,
  account: { id: string; hasSecondFactor: boolean },
  named: { registered: RegisteredPasskey; name: string },
): { passkey: NewPasskey; codes: string[] | null } {
  const issued = account.hasSecondFactor ? null : recoveryCodes.issue(account.id);
  const passkey = { id: newId('psk'), name: named.name, recoveryCodeHashes: issued?.hashes ?? null };
  return { passkey: { ...passkey, ...named.registered }, codes: issued?.codes ?? null };
}

/** As its owner wants it called; empty where nothing is left of it. */
export function nameOf(typed: string): string {
  const name = typed.normalize('NFC').replaceAll(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, '');
  return [...name.trim()].slice(0, LONGEST_NAME).join('').trim();
}
