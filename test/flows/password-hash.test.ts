import { expect, it } from 'vitest';
import { createPasswords } from '../../src/accounts/passwords.ts';
import { BY_OPERATOR } from '../../src/lib/by.ts';
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
