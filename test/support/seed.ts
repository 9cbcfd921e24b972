import type { Account, Role, StandardClaims } from '../../src/accounts/account.ts';
import { createPasswords } from '../../src/accounts/passwords.ts';
import { type ClientSettings, type ClientType, defaultSettings } from '../../src/clients/client.ts';
import { issueClientSecret } from '../../src/clients/secrets.ts';
import type { NewClient } from '../../src/clients/store.ts';
import type { Config } from '../../src/config/config.ts';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { newId } from '../../src/lib/ids.ts';
import type { Stores } from '../../src/store/open.ts';

export const PASSWORD = 'correct horse battery staple';

export interface AddAccount {
  email?: string;
  role?: Role;
  claims?: StandardClaims;
  /** Base32 seed of an authenticator that is enrolled already. */
  totpSecret?: string;
}

export interface AddClient extends Partial<ClientSettings> {
  id?: string;
  name?: string;
  audience?: string;
}

export interface TestClient extends NewClient {
  secret: string;
}

/** A place where people sign in, however many servers stand behind it. */
export interface Site {
  issuer: string;
  addAccount(options?: AddAccount): Promise<Account>;
  addClient(type: ClientType, options?: AddClient): Promise<TestClient>;
}

/** Puts accounts and clients straight into the stores. */
export function createSeed(config: Pick<Config, 'password'>, stores: () => Stores): Omit<Site, 'issuer'> {
  const passwords = createPasswords(config.password);
  return {
    async addAccount({ email = `${newId('acc')}@example.org`, role = 'user', claims = {}, totpSecret } = {}) {
      const id = newId('acc');
      const totp = totpSecret
        ? { id: newId('otp'), name: 'App', secret: totpSecret, confirmedStep: 0, recoveryCodeHashes: [] }
        : undefined;
      const passwordHash = await passwords.hash(PASSWORD);
      await stores().accounts.create({ id, email, emailVerified: true, role, passwordHash, claims }, BY_OPERATOR, totp);
      return (await stores().accounts.find(id)) as Account;
    },
    async addClient(type, { id = newId('cli'), name = 'Meadow Notes', audience, ...settings } = {}) {
      const { secret, secretHash } = issueClientSecret();
      const client = {
        id,
        name,
        type,
        audience: audience ?? null,
        settings: { ...defaultSettings(type), ...settings },
      };
      const isPublic = client.settings.authMethod === 'none';
      await stores().clients.create(client, isPublic ? null : secretHash, BY_OPERATOR);
      return { ...client, secret };
    },
  };
}
