import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Account } from '../../src/accounts/account.ts';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { HOUR } from '../../src/lib/duration.ts';
import { newId } from '../../src/lib/ids.ts';
import type { Stores } from '../../src/store/open.ts';
import { startLogoutReceiver } from '../support/logout-receiver.ts';
import {
  type SecurityEventReceiver,
  startSecurityEventReceiver,
  verifySecurityEvent,
} from '../support/security-event-receiver.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { turnClocks } from '../support/time.ts';
import { again, enter, type VisitOptions, visit } from '../support/visit.ts';
import { atAccount, SEED, send } from './account-visit.ts';

const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/';
const RISC = 'https://schemas.openid.net/secevent/risc/event-type/';

const isCaep = (type: string) => type.endsWith('/session-revoked') || type.endsWith('/credential-change');

let server: TestServer;
let receiver: SecurityEventReceiver;
beforeAll(async () => {
  server = await startTestServer({ SECOND_FACTOR: 'optional' }, { instances: 2 });
  receiver = await startSecurityEventReceiver();
});
afterAll(async () => {
  await receiver.close();
  await server[Symbol.asyncDispose]();
});

const stores = (): Stores => server.app.stores;

function listening(options: VisitOptions = {}): Promise<Awaited<ReturnType<typeof visit>>> {
  const id = newId('cli');
  return visit(server, { id, securityEventsUri: receiver.uriOf(id), ...options });
}

/** Both instances, and again: what they do calls for more, and a run under way may have looked before it was there. */
async function workOff(): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    await Promise.all(server.instances.map(({ app }) => app.worker.run()));
  }
}

async function workOffLater(): Promise<void> {
  turnClocks(HOUR + 1);
  await workOff();
}

/** What a client was told since, without the address of the type, in the order of its name. */
const toldTo = (clientId: string) =>
  receiver
    .sentTo(clientId)
    .flatMap(({ token }) => Object.entries(decodeJwt(token)['events'] as object))
    .map(([type, content]) => [type.slice(type.lastIndexOf('/') + 1), content.credential_type, content.change_type])
    .map((parts) => parts.filter(Boolean).join(' '))
    .toSorted();

describe('security events', () => {
  it('tell an application that its person was signed out, in a token that verifies against the key set', async () => {
    const person = await listening();
    await enter(person);
    const before = Math.floor(Date.now() / 1000);
    await stores().accounts.signOut(person.account.id, BY_OPERATOR);
    await workOff();
    const [sent, ...more] = receiver.sentTo(person.client.id);
    expect(more).toEqual([]);
    expect(sent).toMatchObject({ contentType: 'application/secevent+jwt', accept: 'application/json' });
    const payload = await verifySecurityEvent(server.issuer, person.client.id, sent?.token ?? '');
    expect(payload).toEqual({
      ...{ iss: server.issuer, aud: person.client.id, iat: expect.any(Number) },
      ...{ jti: expect.stringMatching(/^msg_/), txn: expect.stringMatching(/^msg_/) },
      sub_id: { format: 'iss_sub', iss: server.issuer, sub: person.account.id },
      events: { [`${CAEP}session-revoked`]: { event_timestamp: payload.iat, initiating_entity: 'admin' } },
    });
    expect(Number(payload.iat)).toBeGreaterThanOrEqual(before);
  });

  const changes: [string, (account: Account) => Promise<unknown>, string[]][] = [
    [
      'a new password by the operator',
      ({ id }) => stores().accounts.setPassword(id, 'x', BY_OPERATOR),
      ['credential-change password update', 'session-revoked'],
    ],
    [
      'a reset of factors',
      ({ id }) => stores().accounts.resetFactors(id, BY_OPERATOR),
      ['credential-change app revoke', 'credential-change passkey revoke', 'session-revoked'],
    ],
    [
      'a password that must be changed',
      ({ id }) => stores().accounts.requirePasswordChange(id, BY_OPERATOR),
      ['account-credential-change-required', 'session-revoked'],
    ],
    [
      'disabling and enabling',
      async ({ id }) => {
        await stores().accounts.disable(id, BY_OPERATOR);
        await stores().accounts.enable(id, BY_OPERATOR);
      },
      ['account-disabled', 'account-enabled', 'session-revoked'],
    ],
    ['deletion', ({ id }) => stores().accounts.delete(id, BY_OPERATOR), ['account-purged', 'session-revoked']],
    [
      'deletion that is asked for',
      ({ id }) => stores().deletions.order(id, HOUR, BY_OPERATOR),
      ['account-disabled', 'session-revoked'],
    ],
    [
      'deletion at once',
      ({ id }) => stores().deletions.order(id, 0, BY_OPERATOR),
      ['account-purged', 'session-revoked'],
    ],
    [
      'another address',
      ({ id }) => stores().accounts.setEmail(id, `${newId('acc')}@new.example`, true, BY_OPERATOR),
      ['identifier-changed'],
    ],
    [
      'a change of claims, which is none of them',
      ({ id }) => stores().accounts.setClaims(id, {}, null, BY_OPERATOR),
      [],
    ],
  ];
  it.each(changes)('tell of %s', async (_what, change, expected) => {
    const person = await listening({ firstParty: false });
    await enter(person);
    await change(person.account);
    await workOff();
    expect(toldTo(person.client.id)).toEqual(expected);
    for (const { token } of receiver.sentTo(person.client.id)) {
      const payload = await verifySecurityEvent(server.issuer, person.client.id, token);
      const [type = ''] = Object.keys(payload['events'] as object);
      expect(type.startsWith(isCaep(type) ? CAEP : RISC)).toBe(true);
      expect(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).not.toContain('@');
    }
  });

  it('say that people did it themselves where they did', async () => {
    const person = await listening({ person: { totpSecret: SEED } });
    await enter(person);
    const { email } = person.account;
    const { agent, page } = await atAccount(server, { email, seed: SEED, path: '/account/password', stepsAhead: 1 });
    const done = await send(agent, page, 'password', { new_password: 'another passphrase than the one before' });
    expect(done.url).toBe(`${server.issuer}/account?done=password`);
    await workOff();
    expect(toldTo(person.client.id)).toEqual(['credential-change password update', 'session-revoked']);
    for (const { token } of receiver.sentTo(person.client.id)) {
      const [content] = Object.values(decodeJwt(token)['events'] as object);
      expect(content).toMatchObject({ initiating_entity: 'user' });
    }
  });

  it('of one change share a transaction, and are told apart by their ids', async () => {
    const person = await listening();
    const other = await listening({ account: person.account, agent: person.agent });
    await enter(person);
    await again(other);
    await stores().accounts.setPassword(person.account.id, 'x', BY_OPERATOR);
    await workOff();
    const tokens = [person, other]
      .flatMap(({ client }) => receiver.sentTo(client.id))
      .map(({ token }) => decodeJwt(token));
    expect(tokens).toHaveLength(4);
    expect(new Set(tokens.map(({ txn }) => txn)).size).toBe(1);
    expect(new Set(tokens.map(({ jti }) => jti)).size).toBe(4);
  });
});

describe('security events go to those alone that know the account', () => {
  it('not to an application where the person never was', async () => {
    const person = await listening();
    const stranger = await listening();
    await enter(person);
    await stores().accounts.disable(person.account.id, BY_OPERATOR);
    await workOff();
    expect(toldTo(person.client.id)).toContain('account-disabled');
    expect(receiver.sentTo(stranger.client.id)).toEqual([]);
  });

  it('to one where nothing is left but a consent, also when that goes with the account', async () => {
    const person = await listening({ firstParty: false });
    await enter(person);
    await stores().accounts.signOut(person.account.id, BY_OPERATOR);
    await workOff();
    await stores().accounts.delete(person.account.id, BY_OPERATOR);
    await workOff();
    expect(toldTo(person.client.id)).toEqual(['account-purged', 'session-revoked', 'session-revoked']);
  });

  it('not to one whose access the person has ended', async () => {
    const person = await listening({ firstParty: false });
    await enter(person);
    await stores().consents.withdraw(person.account.id, person.client.id, BY_OPERATOR);
    await workOff();
    await stores().accounts.disable(person.account.id, BY_OPERATOR);
    await workOff();
    expect(receiver.sentTo(person.client.id)).toEqual([]);
  });

  it('not to one that is disabled, before or after it happened', async () => {
    const person = await listening();
    await enter(person);
    receiver.answerWith(person.client.id, { status: 500 });
    await stores().accounts.setEmail(person.account.id, `${newId('acc')}@new.example`, true, BY_OPERATOR);
    await workOff();
    await stores().clients.setStatus(person.client.id, 'disabled', BY_OPERATOR);
    await stores().accounts.disable(person.account.id, BY_OPERATOR);
    await workOffLater();
    expect(receiver.sentTo(person.client.id)).toHaveLength(1);
    expect((await stores().deliveries.list()).filter(({ clientId }) => clientId === person.client.id)).toEqual([]);
  });
});

describe('the delivery of a security event', () => {
  const deliveriesOf = async (id: string) =>
    (await stores().deliveries.list()).filter(({ clientId }) => clientId === id);

  it('is tried until it is taken, with the same id', async () => {
    const person = await listening();
    await enter(person);
    const { id } = person.client;
    receiver.answerWith(id, { status: 500 }, { status: 200 }, { status: 302 }, { status: 400, body: 'no JSON' });
    await stores().accounts.signOut(person.account.id, BY_OPERATOR);
    await workOff();
    expect(await deliveriesOf(id)).toMatchObject([
      {
        message: 'security-event',
        accountId: person.account.id,
        lastError: `${id} answered a security event with 500`,
      },
    ]);
    for (let round = 0; round < 5; round += 1) await workOffLater();
    const sent = receiver.sentTo(id).map(({ token }) => decodeJwt(token));
    expect(sent).toHaveLength(5);
    expect(new Set(sent.map(({ jti, iat }) => `${jti} ${iat}`)).size).toBe(1);
    expect(await deliveriesOf(id)).toEqual([]);
  });

  it('ends where the application says that it does not want it, and stays for the operator to see', async () => {
    const person = await listening();
    await enter(person);
    const { id } = person.client;
    receiver.answerWith(id, { status: 400, body: '{"err":"invalid_audience","description":"<b>x</b>"}' });
    await stores().accounts.signOut(person.account.id, BY_OPERATOR);
    await workOff();
    await workOffLater();
    expect(receiver.sentTo(id)).toHaveLength(1);
    expect(await deliveriesOf(id)).toMatchObject([
      { dueAt: null, lastError: `${id} answered a security event with 400 invalid_audience` },
    ]);
    expect(await stores().deliveries.retry({ clientId: id }, BY_OPERATOR)).toBe(1);
    await workOff();
    expect(receiver.sentTo(id)).toHaveLength(2);
    expect(await deliveriesOf(id)).toEqual([]);
  });

  it('keeps no logout token waiting where it is not taken', async () => {
    const logout = await startLogoutReceiver();
    onTestFinished(async () => void (await logout.close()));
    const person = await listening({ backchannelLogoutUri: logout.uri });
    await enter(person);
    receiver.answerWith(person.client.id, { status: 500 });
    await stores().accounts.signOut(person.account.id, BY_OPERATOR);
    await workOff();
    expect(logout.tokens).toHaveLength(1);
    expect(await deliveriesOf(person.client.id)).toMatchObject([{ message: 'security-event' }]);
  });

  it('goes nowhere once the address was taken back', async () => {
    const person = await listening();
    await enter(person);
    receiver.answerWith(person.client.id, { status: 503 });
    await stores().accounts.signOut(person.account.id, BY_OPERATOR);
    await workOff();
    const { settings, ...client } = person.client;
    await stores().clients.update({ ...client, settings: { ...settings, securityEventsUri: null } }, BY_OPERATOR);
    await workOffLater();
    expect(receiver.sentTo(person.client.id)).toHaveLength(1);
    expect(await deliveriesOf(person.client.id)).toEqual([]);
  });
});
