import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { createPasswords } from '../../src/accounts/passwords.ts';
import { type Config, parseConfig, storeOptions } from '../../src/config/config.ts';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { MINUTE, toMilliseconds } from '../../src/lib/duration.ts';
import { newId } from '../../src/lib/ids.ts';
import { openStores, type Stores } from '../../src/store/open.ts';
import { freePort } from '../../test/support/free-port.ts';
import { anAddress } from './cases.ts';

const MAIN = path.join(import.meta.dirname, '../../src/main.ts');
/** Nobody is told to wait: that would be measured instead. */
const WITHOUT_LIMITS = {
  ...{ LIMIT_PER_ADDRESS: '100000', LIMIT_ADDRESS_REQUESTS: '10000000', LIMIT_ACCOUNT_REQUESTS: '10000000' },
  ...{ LIMIT_SPRAYED_PASSWORD: '1000000', LIMIT_SPRAYING_ADDRESS: '1000000', INTERACTION_LIFETIME: '86400' },
};
/** Some 4 ms each: a hash too many or too few still stands out, and the rest does not drown in what hashes vary by. */
const PASSWORD_COST = { ARGON2_MEMORY_KIB: '7168', ARGON2_PASSES: '1' };

/** Addresses of accounts. */
export interface People {
  known: string[];
  disabled: string[];
}

/** A server in a process of its own, with so many accounts of each kind. DATABASE_URL names an empty PostgreSQL. */
export async function openPlace(count: number) {
  const folder = mkdtempSync(path.join(tmpdir(), 'gatewright-bench-'));
  const port = String(await freePort());
  const issuer = `http://localhost:${port}`;
  const env = {
    ...{ ...PASSWORD_COST, ...process.env, ...WITHOUT_LIMITS, ISSUER: issuer, PORT: port, LOG_LEVEL: 'warn' },
    ...{ DATA_DIR: path.join(folder, 'data'), KEYS_DIR: path.join(folder, 'keys') },
  };
  const config = parseConfig(env);
  const people = await settle(config, count);
  const child = spawn(process.execPath, [MAIN], { cwd: folder, env, stdio: ['ignore', 'ignore', 'inherit'] });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const close = async () => {
    child.kill('SIGTERM');
    await exited;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await answering(issuer);
  } catch (err) {
    await close();
    throw err;
  }
  return { issuer, people, config, [Symbol.asyncDispose]: close };
}

/** One hash for all: what it costs to check does not depend on whose it is. */
async function settle(config: Config, count: number): Promise<People> {
  const passwordHash = await createPasswords(config.password).hash('correct horse battery staple');
  const stores = await openStores({ ...storeOptions(config), clock: systemClock });
  const settled = async (disabled: boolean) => {
    const email = anAddress();
    const id = newId('acc');
    const account = { id, email, emailVerified: true, role: 'user', passwordHash, claims: {} } as const;
    await stores.accounts.create(account, BY_OPERATOR);
    if (disabled) await stores.accounts.disable(id, BY_OPERATOR);
    return email;
  };
  const people: People = { known: [], disabled: [] };
  for (let made = 0; made < count; made += 1) {
    people.known.push(await settled(false));
    people.disabled.push(await settled(true));
  }
  await finish(stores);
  await stores.close();
  return people;
}

/** What the server would otherwise be busy with during the first of the tries. */
async function finish({ outbox, auditTrail }: Stores): Promise<void> {
  const next = () => outbox.take(500, systemClock() + toMilliseconds(MINUTE));
  for (let jobs = await next(); jobs.length > 0; jobs = await next()) {
    for (const { id } of jobs) await outbox.done(id);
  }
  while (await auditTrail.seal(500));
}

async function answering(issuer: string): Promise<void> {
  for (let tries = 0; tries < 500; tries += 1) {
    const response = await fetch(`${issuer}/health/ready`).catch(() => null);
    await response?.body?.cancel();
    if (response?.ok) return;
    await wait(20);
  }
  throw new Error(`${issuer} never answered`);
}
