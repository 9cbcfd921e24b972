import { AuthenticatorEmulator, type AuthenticatorParameters, WebAuthnEmulator } from 'nid-webauthn-emulator';

/** A device with passkeys on it, which verifies its user and counts, unless it is told not to. */
export function aDevice(parameters: Partial<AuthenticatorParameters> = {}): WebAuthnEmulator {
  return new WebAuthnEmulator(new AuthenticatorEmulator(parameters));
}
