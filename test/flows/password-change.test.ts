import { afterAll, beforeAll, expect, it } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { newId } from '../../src/lib/ids.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { codeOf } from '../support/sign-in.ts';
import type { Page } from '../support/user-agent.ts';
import { ask, stepOf, told, visit } from '../support/visit.ts';
import { atAccount, SEED, send } from './account-visit.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server[Symbol.asyncDispose]());

it('leaves no application in that was let in while the password changed, not even for offline access', async () => {
  const person = await visit(server, { firstParty: false });
  const { account, party, agent } = person;
  const { page } = await atAccount(server, { email: account.email, agent, path: '/account/password' });
  const { authorization, page: consent } = await ask(person, { scope: 'openid offline_access', prompt: 'consent' });

  // The request has found its session before the change, and is given its grant after it.
  const { artifacts, accounts, outbox } = server.app.stores;
  const { put } = artifacts;
  const { changePassword } = accounts;
  const { take } = outbox;
  const begun = Promise.withResolvers<void>();
  const changed = Promise.withResolvers<void>();
  // Whoever clears up comes after that.
  outbox.take = async () => [];
  artifacts.put = async (kind, ...rest) => {
    if (kind === 'Grant') begun.resolve();
    if (kind === 'Grant') await changed.promise;
    return put(kind, ...rest);
  };
  let back: Promise<Page> | undefined;
  accounts.changePassword = async (...change) => {
    const endedAt = await changePassword(...change);
    while (Date.now() <= (endedAt ?? 0)) await new Promise(setImmediate);
    changed.resolve();
    await back;
    return endedAt;
  };
  try {
    back = agent.submit(consent, { decision: 'allow' });
    await begun.promise;
    const done = await send(agent, page, 'password', { new_password: 'another passphrase than the one before' });
    expect(done.url).toBe(`${server.issuer}/account?done=password`);
  } finally {
    Object.assign(artifacts, { put });
    Object.assign(accounts, { changePassword });
    Object.assign(outbox, { take });
  }
  await server.app.worker.run();

  await expect(party.redeem(await back, authorization)).rejects.toMatchObject({ error: 'invalid_grant' });
});

it('asks for the password where only the second factor was proved lately, for an application', async () => {
  const person = await visit(server, {});
  const { account, agent } = person;
  await atAccount(server, { email: account.email, agent });
  const late = 6 * 60_000;
  server.passTime(late);
  // The session began before the account had an authenticator.
  const added = { id: newId('otp'), name: 'App', secret: SEED, confirmedStep: 0, recoveryCodeHashes: null };
  await server.app.stores.accounts.enrolTotp(account.id, account.factorsVersion, added, BY_OPERATOR);
  const { page } = await ask(person, { acr_values: 'urn:gatewright:acr:two-factor' });
  expect(stepOf(page)).toBe('totp');
  const back = await agent.submit(page, { code: codeOf(SEED, late / 30_000) });
  expect(told(back).code).toBeDefined();
  expect((await agent.get('/account')).status).toBe(200);
  expect(stepOf(await agent.follow('/account/password'))).toBe('password');
});
