import type { WebAuthnEmulator } from 'nid-webauthn-emulator';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { lettersTo } from '../support/letters.ts';
import { byPasskey } from '../support/passkey-visit.ts';
import { aDevice, addPasskey } from '../support/passkeys.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { ask, stepOf, visit } from '../support/visit.ts';
import { enterByPasskey, eventsOf, expectRefused, withPasskey } from './passkey-visits.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ LIMIT_PER_ADDRESS: '10000' });
});
afterAll(() => server[Symbol.asyncDispose]());

describe('the counter of a passkey', () => {
  /** From now on it signs with the value that it had: it, or a copy of it. */
  function stop({ authenticator }: WebAuthnEmulator): void {
    authenticator.params = { ...authenticator.params, signCounterIncrement: 0 };
  }

  it('is refused where it has not grown; its owner is told, and nobody else is', async () => {
    const person = await withPasskey(server);
    await enterByPasskey(person);
    stop(person.device);
    const { page } = await ask(person, { prompt: 'login' });
    expectRefused(await byPasskey(person.agent, page, person.device), 'password');
    const { account, client } = person;
    expect(await eventsOf(server, account.id, 'passkey.counter_refused')).toMatchObject([
      { clientId: client.id, outcome: 'refused', detail: `{"credentialId":"${person.passkeyId}"}` },
    ]);
    expect(await eventsOf(server, account.id, 'passkey.used')).toHaveLength(1);
    // Another letter may be on its way just then, and this one comes after it.
    const told = expect.arrayContaining(['A passkey of your account was refused']);
    const subjects = async () => (await lettersTo(server, account.email)).map(({ subject }) => subject);
    await vi.waitFor(async () => expect(await subjects()).toEqual(told), { timeout: 20_000 });
    // Nothing is proved by it: a look at the flow shows the same page.
    expect(stepOf(await person.agent.get(page.url))).toBe('password');
  });

  it('may stay at zero', async () => {
    const person = await withPasskey(server, {}, aDevice({ signCounterIncrement: 0 }));
    await enterByPasskey(person);
    await enterByPasskey(person, { prompt: 'login' });
    expect(await eventsOf(server, person.account.id, 'passkey.used')).toHaveLength(2);
  });

  it('is nothing to go by with PASSKEY_COUNTERS=accept', async () => {
    await using own = await startTestServer({ PASSKEY_COUNTERS: 'accept' });
    const person = await visit(own);
    const device = aDevice();
    await addPasskey(own, person.account.id, device);
    await enterByPasskey({ ...person, device });
    stop(device);
    expect((await enterByPasskey({ ...person, device }, { prompt: 'login' })).claims()?.sub).toBe(person.account.id);
  });
});
