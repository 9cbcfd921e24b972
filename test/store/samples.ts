import type { NewPasskey } from '../../src/accounts/passkey-store.ts';
import type { NewAccount, NewTotp } from '../../src/accounts/store.ts';
import { type ClientType, defaultSettings } from '../../src/clients/client.ts';
import type { NewClient } from '../../src/clients/store.ts';
import type { By } from '../../src/lib/by.ts';

export const BY: By = { actor: 'acc_root', address: '192.0.2.7', requestId: 'req_1' };

export function anAccount(some: Partial<NewAccount> = {}): NewAccount {
  const id = some.id ?? 'acc_ada';
  const email = `${id.slice(4)}@example.org`;
  return { id, email, emailVerified: false, role: 'user', passwordHash: 'hash-1', claims: {}, ...some };
}

export function aTotp(some: Partial<NewTotp> = {}): NewTotp {
  const recoveryCodeHashes = ['code-1', 'code-2', 'code-3'];
  return { id: 'otp_1', name: 'Phone', secret: 'JBSWY3DPEHPK3PXP', confirmedStep: 41, recoveryCodeHashes, ...some };
}

/** A passkey bound to one device, of an account that has its recovery codes. */
export function aPasskey(some: Partial<NewPasskey> = {}): NewPasskey {
  const id = some.id ?? 'psk_1';
  return {
    ...{ id, name: 'Key', credentialId: `credential-of-${id}`, publicKey: 'cGs', counter: 0, transports: ['usb'] },
    ...{ aaguid: '00000000-0000-0000-0000-000000000000', synced: false, backedUp: false, recoveryCodeHashes: null },
    ...some,
  };
}

export function aClient(some: Partial<NewClient> & { type?: ClientType } = {}): NewClient {
  const type = some.type ?? 'web';
  return { id: 'web', name: 'Notes', type, audience: null, settings: defaultSettings(type), ...some };
}
