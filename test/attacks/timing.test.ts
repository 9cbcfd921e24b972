import argon2 from 'argon2';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { newId } from '../../src/lib/ids.ts';
import { databaseFile } from '../../src/store/sqlite/engine.ts';
import { closeSqliteFile, openSqliteFile } from '../../src/store/sqlite/sqlite-file.ts';
import { credentialOf } from '../support/passkey-visit.ts';
import { aDevice, addPasskey } from '../support/passkeys.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/server.ts';
import { createUserAgent, type Page } from '../support/user-agent.ts';
import { ask, visit } from '../support/visit.ts';
import { countStatements } from './counted-statements.ts';
import { signInPage } from './stations.ts';

/*
 * The attacker asks which addresses have accounts and looks at anything but the words of the answer: how much work
 * was done for it. Time itself is too noisy for a test; the work that takes it is counted.
 */

let server: TestServer;
let work: string[] = [];

/** Every statement, on either engine, and every hash, in order. */
function countWork(): void {
  countStatements((where, sql) => void work.push(`${where}: ${sql}`));
  for (const method of ['verify', 'hash', 'needsRehash'] as const) {
    const original = argon2[method] as (...args: unknown[]) => unknown;
    vi.spyOn(argon2, method).mockImplementation(((...args: unknown[]) => {
      // The parameters in front of a hash decide what it costs.
      work.push(`argon2.${method} ${method === 'verify' ? parametersOf(String(args[0])) : ''}`);
      return original(...args);
    }) as never);
  }
}

const parametersOf = (hash: string) =>
  hash
    .split('$')
    .slice(1, 4)
    .flatMap((part) => part.split(',').sort())
    .join(' ');

beforeAll(async () => {
  countWork();
  server = await startTestServer({ LIMIT_PER_ADDRESS: '10000', SIGN_UP: 'open' });
  // What is done without being asked for would be counted to whoever is looked at just then.
  await server.app.stopWork();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  vi.restoreAllMocks();
});

interface Tried {
  work: string[];
  bytes: string;
}

/** In a browser of its own, so that nothing differs but what is typed. */
async function attempt(email: string, password: string, times = 1): Promise<Tried> {
  const { agent, page } = await signInPage(server);
  let answer: Page | undefined;
  for (let count = 0; count < times; count += 1) {
    work = [];
    answer = await agent.post(page, { email, password });
  }
  if (!answer) throw new Error('nothing was tried');
  const { status, headers, html } = answer;
  const shown = [...headers].filter(([name]) => name !== 'date');
  // The length of what is left out is that of any other: ids are all as long.
  const bytes = JSON.stringify([status, shown, html]).replaceAll(/req_\w{22}|[\w-]{43}/g, '*');
  return { work: work.filter((line) => !/outbox|OutboxMessage/.test(line)), bytes: bytes.replaceAll(email, '*') };
}

/** All addresses are equally long, and so are their pages. */
const anAddress = () => `${newId('acc')}@example.org`;

async function persons() {
  const { accounts } = server.app.stores;
  const known = await server.addAccount({ email: anAddress() });
  const guarded = await server.addAccount({ email: anAddress(), totpSecret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP' });
  const disabled = await server.addAccount({ email: anAddress() });
  const gone = await server.addAccount({ email: anAddress() });
  for (const { id } of [disabled, gone]) await accounts.disable(id, BY_OPERATOR);
  const passwordless = newId('acc');
  const email = anAddress();
  await accounts.create(
    { id: passwordless, email, emailVerified: true, role: 'user', passwordHash: null, claims: {} },
    BY_OPERATOR,
  );
  const WRONG = 'not the password of anybody';
  return {
    'an unknown address': [anAddress(), PASSWORD],
    'a wrong password': [known.email, WRONG],
    'a wrong password where a second factor is': [guarded.email, WRONG],
    'a disabled account, and its password': [disabled.email, PASSWORD],
    'a disabled account, and a wrong password': [gone.email, WRONG],
    'an account without a password': [email, PASSWORD],
  } as Record<string, [string, string]>;
}

describe('an address without an account, a wrong password and a disabled account', () => {
  it('cost the same work and give the same bytes', async () => {
    const cases = await persons();
    // Everything was prepared and cached by then.
    await attempt(anAddress(), PASSWORD);
    const results = new Map<string, Tried>();
    for (const [name, [email, password]] of Object.entries(cases)) results.set(name, await attempt(email, password));

    const [expected] = results.values();
    expect(expected?.work.filter((line) => line.startsWith('argon2.verify'))).toEqual([
      'argon2.verify argon2id v=19 m=7168 p=1 t=1',
    ]);
    expect(expected?.work.filter((line) => line.startsWith('database:')).length).toBeGreaterThan(3);
    expect(expected?.work.filter((line) => line.startsWith('state:')).length).toBeGreaterThan(3);
    for (const [name, { work: done, bytes }] of results) {
      expect([name, done]).toEqual([name, expected?.work]);
      expect([name, bytes]).toEqual([name, expected?.bytes]);
    }
  });

  it('look the same when the limit is reached, where nothing is hashed any more', async () => {
    const cases = await persons();
    const results = new Map<string, Tried>();
    for (const [name, [email, password]] of Object.entries(cases))
      results.set(name, await attempt(email, password, 11));
    const [expected] = results.values();
    expect(expected?.bytes).toMatch(/^\[429,/);
    expect(expected?.work.filter((line) => line.startsWith('argon2'))).toEqual([]);
    const waits = (bytes: string) => bytes.replaceAll(/"retry-after","[678]\d\d|900"/g, '"retry-after","*"');
    for (const [name, { work: done, bytes }] of results) {
      expect([name, done]).toEqual([name, expected?.work]);
      expect([name, waits(bytes)]).toEqual([name, waits(expected?.bytes ?? '')]);
    }
  });

  it('leave the same traces in the log, but for ids', async () => {
    const cases = await persons();
    const lines = new Set<string>();
    for (const [email, password] of Object.values(cases)) {
      const { agent, page } = await signInPage(server);
      server.logged.length = 0;
      await agent.post(page, { email, password });
      await vi.waitFor(() => expect(server.logged.some((line) => line.includes('"POST"'))).toBe(true));
      const { requestId } = JSON.parse(server.logged.find((line) => line.includes('"POST"')) ?? '{}');
      const own = server.logged.filter((line) => line.includes(requestId));
      lines.add(own.join('').replaceAll(/"ms":\d+|"time":"[^"]+"|req_\w+|"traceId":"\w+"/g, ''));
      expect(server.logged.join('')).not.toContain(email);
    }
    expect([...lines]).toHaveLength(1);
  });
});

describe('passkeys', () => {
  /** What is shown to whoever has the form with this address in it. */
  async function shown(email: string): Promise<Tried> {
    const person = await visit(server);
    const { page } = await ask(person, { login_hint: email });
    work = [];
    const { status, html } = await person.agent.get(page.url);
    return { work: [...work], bytes: `${status} ${html.replaceAll(/[\w-]{43}/g, '*').replaceAll(email, '*')}` };
  }

  it('are offered to every address alike, whether or not it has one', async () => {
    const known = await server.addAccount({ email: anAddress() });
    const keyed = await server.addAccount({ email: anAddress() });
    await addPasskey(server, keyed.id, aDevice());
    await shown(anAddress());
    const expected = await shown(anAddress());
    expect(expected.bytes).toContain('data-passkey');
    expect(expected.work.filter((line) => /Passkey/.test(line))).toEqual([]);
    for (const { email } of [known, keyed]) expect(await shown(email)).toEqual(expected);
  });

  // Ids of passkeys are random and nobody's address: whoever has one has been told it by its owner's device.
  it('that are unknown, or were answered wrongly, cost the same statements and give the same bytes', async () => {
    const { agent, page, account } = await signInPage(server);
    const device = aDevice();
    await addPasskey(server, account.id, device);
    const right = JSON.parse(credentialOf(device, page));
    const id = Buffer.alloc(32).toString('base64url');
    const unknown = { ...right, id, rawId: id };
    const forged = { ...right, response: { ...right.response, signature: right.response.authenticatorData } };
    const tried: Tried[] = [];
    for (const credential of [unknown, unknown, forged].map((one) => JSON.stringify(one))) {
      work = [];
      const { status, html } = await agent.post(page, { credential });
      tried.push({ work: [...work], bytes: `${status} ${html.replaceAll(/[\w-]{43}/g, '*')}` });
    }
    expect(tried[1]?.bytes).toMatch(/^422/);
    expect(tried[2]).toEqual(tried[1]);
  });
});

describe.each(['/forgotten-password', '/sign-up'])('an address that is typed at %s', (path) => {
  /** All of it is the visitor's: what follows is done by the worker, which is stopped. */
  async function ask(email: string): Promise<Tried> {
    const agent = createUserAgent(server.issuer);
    const page = await agent.follow(path);
    work = [];
    const { status, headers, html } = await agent.post(page, { email });
    const shown = [...headers].filter(([name]) => name !== 'date');
    const bytes = JSON.stringify([status, shown, html]).replaceAll(/req_\w{22}|[\w-]{43}/g, '*');
    return { work: [...work], bytes: bytes.replaceAll(email, '*') };
  }

  it('costs the same work and gives the same bytes, whether it has an account, a disabled one or none', async () => {
    const known = await server.addAccount({ email: anAddress() });
    const disabled = await server.addAccount({ email: anAddress() });
    await server.app.stores.accounts.disable(disabled.id, BY_OPERATOR);
    await ask(anAddress());
    const expected = await ask(anAddress());
    expect(expected.work.filter((line) => line.startsWith('argon2'))).toEqual([]);
    expect(expected.work.filter((line) => /INSERT INTO .*OutboxMessage/.test(line))).toHaveLength(1);
    // Who it is is nothing that the request asks.
    expect(expected.work.filter((line) => /Account/.test(line))).toEqual([]);
    for (const { email } of [known, disabled]) expect(await ask(email)).toEqual(expected);
  });

  it('is kept sealed, in as many bytes', async () => {
    const { email } = await server.addAccount({ email: anAddress() });
    const lengths = [];
    for (const one of [anAddress(), email]) {
      await ask(one);
      const db = openSqliteFile({ file: databaseFile(server.config.folders.data) });
      const row = db.prepare('SELECT * FROM OutboxMessage ORDER BY createdAt DESC, rowid DESC LIMIT 1').get();
      closeSqliteFile(db);
      expect(JSON.stringify(row)).not.toContain(one);
      lengths.push(String((row as { sealedPayload: string }).sealedPayload).length);
    }
    expect(lengths[0]).toBe(lengths[1]);
  });
});
