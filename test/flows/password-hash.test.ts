import argon2 from 'argon2';
import { expect, it, vi } from 'vitest';
import { createPasswords } from '../../src/accounts/passwords.ts';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { Refusal } from '../../src/lib/errors.ts';
import { CALLBACK, createRelyingParty } from '../support/relying-party.ts';
import { PASSWORD, startTestServer } from '../support/server.ts';
import { signIn } from '../support/sign-in.ts';
import { createUserAgent } from '../support/user-agent.ts';

it('a hash with older parameters is replaced at the next sign-in, and nobody is signed out by it', async () => {
  await using server = await startTestServer({ ARGON2_MEMORY_KIB: '8192' });
  const account = await server.addAccount();
  const older = createPasswords({ ...server.config.password, memory: 7168 });
  const { accounts } = server.app.stores;
  await accounts.setPassword(account.id, await older.hash(PASSWORD), BY_OPERATOR);

  const client = await server.addClient('web', { redirectUris: [CALLBACK] });
  const party = await createRelyingParty(server, client);
  const agent = createUserAgent(server.issuer);
  const authorization = await party.authorization();
  const tokens = await party.redeem(await signIn(agent, await agent.follow(authorization.url), account), authorization);

  const { passwordHash } = (await accounts.find(account.id)) ?? {};
  expect(passwordHash).toContain('m=8192');
  expect(await party.introspect(tokens.access_token)).toMatchObject({ active: true });
});

it('a right password is right although there is no time to replace its hash; the next sign-in does', async () => {
  await using server = await startTestServer({ ARGON2_MEMORY_KIB: '8192' });
  const account = await server.addAccount();
  const older = await createPasswords({ ...server.config.password, memory: 7168 }).hash(PASSWORD);
  const { accounts } = server.app.stores;
  await accounts.setPassword(account.id, older, BY_OPERATOR);
  const client = await server.addClient('web', { redirectUris: [CALLBACK] });
  const party = await createRelyingParty(server, client);
  async function signInOnce(): Promise<string | null | undefined> {
    const authorization = await party.authorization();
    const agent = createUserAgent(server.issuer);
    await party.redeem(await signIn(agent, await agent.follow(authorization.url), account), authorization);
    return (await accounts.find(account.id))?.passwordHash;
  }

  vi.spyOn(argon2, 'hash').mockRejectedValueOnce(new Refusal('busy', 503, { retryAfter: 5 }));
  expect(await signInOnce()).toBe(older);
  expect(await signInOnce()).toContain('m=8192');
});

it('the hash of another program lets its owner in, and is ours from then on', async () => {
  await using server = await startTestServer();
  const { accounts } = server.app.stores;
  const client = await server.addClient('web', { redirectUris: [CALLBACK] });
  const party = await createRelyingParty(server, client);
  for (const hash of [
    // Made by libxcrypt 4.4 and by Python's hashlib.
    '$2y$06$abcdefghijklmnopqrstuu10cNU3mXRamSUZYs8I8M/Szu..qXq5K',
    'pbkdf2_sha512$1000$seasalt$jWXPByTp9f8LiYihsQ0KCsxvT4E+VwKzo2kPET/kO6xN+98njZwsGTVcuE5pJ7+CnEhEWyYcAf4OK7gd6gVBGA==',
  ]) {
    const account = await server.addAccount();
    await accounts.setPassword(account.id, hash, BY_OPERATOR);
    const authorization = await party.authorization();
    const agent = createUserAgent(server.issuer);
    const page = await agent.follow(authorization.url);
    const wrong = await agent.submit(page, { email: account.email, password: `${PASSWORD}!` });
    expect([wrong.status, (await accounts.find(account.id))?.passwordHash]).toEqual([422, hash]);
    await party.redeem(await signIn(agent, wrong, account), authorization);
    expect((await accounts.find(account.id))?.passwordHash).toMatch(/^\$argon2id\$v=19\$m=7168/);
  }
});
