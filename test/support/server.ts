import { mkdtempSync, rmSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import type { Account, Role, StandardClaims } from '../../src/accounts/account.ts';
import { createPasswords } from '../../src/accounts/passwords.ts';
import { type Client, type ClientSettings, type ClientType, defaultSettings } from '../../src/clients/client.ts';
import { issueClientSecret } from '../../src/clients/secrets.ts';
import { type Config, parseConfig } from '../../src/config/config.ts';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { newId } from '../../src/lib/ids.ts';
import { type Server, startServer } from '../../src/server.ts';

/** The least that the configuration allows, since tests hash often. */
const CHEAP = { ARGON2_MEMORY_KIB: '7168', ARGON2_PASSES: '1' };

export const PASSWORD = 'correct horse battery staple';

export interface TestServer extends Server {
  issuer: string;
  config: Config;
  folder: string;
  /** Every line that was logged. */
  logged: string[];
  addAccount(options?: AddAccount): Promise<Account>;
  addClient(type: ClientType, options?: AddClient): Promise<TestClient>;
  /** Lets the server's own clock run ahead (the library's stays, and so do tokens' times). */
  passTime(milliseconds: number): void;
  /** Stops and starts again on the same folder and port. */
  restart(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

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

export interface TestClient extends Omit<Client, 'status' | 'createdAt' | 'updatedAt'> {
  secret: string;
}

/** A whole server on a free port of this machine, with folders of its own. */
export async function startTestServer(env: Record<string, string> = {}): Promise<TestServer> {
  const folder = mkdtempSync(path.join(tmpdir(), 'gatewright-server-'));
  const port = await freePort();
  const issuer = `http://localhost:${port}`;
  const config = parseConfig({
    ...{ ISSUER: issuer, PORT: String(port), DATA_DIR: path.join(folder, 'data'), KEYS_DIR: path.join(folder, 'keys') },
    ...CHEAP,
    ...env,
  });
  const logged: string[] = [];
  const log = pino({ level: 'debug', base: null }, { write: (line: string) => void logged.push(line) });
  const passwords = createPasswords(config.password);
  let ahead = 0;
  const clock = () => Date.now() + ahead;
  let server = await startServer(config, { log, clock });
  const stores = () => server.app.stores;

  return {
    issuer,
    config,
    folder,
    logged,
    url: server.url,
    get app() {
      return server.app;
    },
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
    passTime(milliseconds) {
      ahead += milliseconds;
    },
    async restart() {
      await server.close();
      server = await startServer(config, { log, clock });
    },
    close: () => server.close(),
    async [Symbol.asyncDispose]() {
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function freePort(): Promise<number> {
  const probe = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
