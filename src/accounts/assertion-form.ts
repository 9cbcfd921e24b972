import { Refusal } from '../lib/errors.ts';
import type { AuthenticationResponseJSON } from './passkeys.ts';

/** WebAuthn Level 3, 4: a credential id has at most 1023 bytes. */
const LONGEST_ID = 1364;
const LONGEST = 8192;

/**
 * What a script put into a form: AuthenticationResponseJSON (WebAuthn Level 3, 5.1), as long as it was the page's own
 * script. Nothing else is taken over than what is verified.
 * @throws {Refusal} `passkey_refused`
 */
export function parseAssertion(text: string | null): AuthenticationResponseJSON {
  const { id, rawId, type, response } = asObject(parsed(text ?? ''));
  const { clientDataJSON, authenticatorData, signature, userHandle } = asObject(response);
  if (type !== 'public-key') throw refusal();
  return {
    ...{ id: base64url(id, LONGEST_ID), rawId: base64url(rawId, LONGEST_ID), type },
    response: {
      clientDataJSON: base64url(clientDataJSON),
      authenticatorData: base64url(authenticatorData),
      signature: base64url(signature),
      ...(userHandle !== undefined && userHandle !== null && { userHandle: base64url(userHandle) }),
    },
    clientExtensionResults: {},
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refusal();
  }
}

function asObject(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw refusal();
  return value as Record<string, unknown>;
}

function base64url(value: unknown, longest = LONGEST): string {
  if (typeof value !== 'string' || value.length > longest || !/^[\w-]+$/.test(value)) throw refusal();
  return value;
}

function refusal(): Refusal {
  return new Refusal('passkey_refused', 422);
}
