import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { byPasskey, credentialOf, optionsOn } from '../support/passkey-visit.ts';
import { aDevice } from '../support/passkeys.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/server.ts';
import { ask, visit } from '../support/visit.ts';
import { SEED } from './account-visit.ts';
import { aStranger, eventsOf, expectRefused, unverified, withPasskey } from './passkey-visits.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ LIMIT_PER_ADDRESS: '10000' });
});
afterAll(() => server[Symbol.asyncDispose]());

describe('an answer to the sign-in page that is no proof', () => {
  it('is refused where it did not verify its user', async () => {
    const person = await withPasskey(server, {}, aDevice(unverified));
    const { page } = await ask(person);
    const credential = credentialOf(person.device, page, { userVerification: 'discouraged' });
    expectRefused(await person.agent.submit(page, { credential }), 'password');
  });

  it('is refused from another origin, for another challenge, and of nobody', async () => {
    const person = await withPasskey(server);
    const { page } = await ask(person);
    const { device, agent } = person;
    const elsewhere = JSON.stringify(device.getJSON('http://localhost:1', optionsOn(page)));
    const { page: other } = await ask(await visit(server));
    const changed = { challenge: Buffer.alloc(32).toString('base64url') };
    const stranger = aStranger(server);
    const wrong = [elsewhere, credentialOf(device, other), credentialOf(device, page, changed)];
    for (const credential of [...wrong, credentialOf(stranger, page)]) {
      expectRefused(await agent.submit(page, { credential }), 'password');
    }
    const failed = await eventsOf(server, person.account.id, 'sign_in.failed');
    // Whose it was is said of nothing that was not verified.
    expect(failed).toEqual([]);
    // The challenge is still the page's own.
    expect((await byPasskey(agent, page, device)).url).toContain('code=');
  });

  it('is refused where its user handle names another account, or nobody', async () => {
    const person = await withPasskey(server);
    const { account: other } = await withPasskey(server);
    const { page } = await ask(person);
    const answer = JSON.parse(credentialOf(person.device, page));
    for (const userHandle of [Buffer.from(other.id).toString('base64url'), undefined, null, 'AA']) {
      const credential = JSON.stringify({ ...answer, response: { ...answer.response, userHandle } });
      expectRefused(await person.agent.submit(page, { credential }), 'password');
    }
  });

  it('gives the same answer for a disabled account, a leaving one and a passkey that nobody knows', async () => {
    const known = await withPasskey(server);
    const disabled = await withPasskey(server);
    const leaving = await withPasskey(server);
    await server.app.stores.accounts.disable(disabled.account.id, BY_OPERATOR);
    await server.app.stores.deletions.order(leaving.account.id, 1000, BY_OPERATOR);
    const stranger = aStranger(server);
    const answers: string[] = [];
    for (const device of [disabled.device, leaving.device, stranger]) {
      const { page, agent } = { ...known, ...(await ask(known)) };
      const refused = await agent.post(page, { credential: credentialOf(device, page) });
      expectRefused(refused, 'password');
      answers.push(refused.html.replaceAll(/[\w-]{43}/g, '*'));
    }
    expect(new Set(answers).size).toBe(1);
    for (const { account } of [disabled, leaving]) {
      expect(await eventsOf(server, account.id, 'sign_in.failed')).toMatchObject([{ detail: '{"factor":"passkey"}' }]);
      expect(await eventsOf(server, account.id, 'passkey.used')).toEqual([]);
    }
  });

  it('is not signed in again by an answer that was overheard', async () => {
    const person = await withPasskey(server);
    const { page } = await ask(person);
    const credential = credentialOf(person.device, page);
    await person.agent.submit(page, { credential });
    const thief = await visit(server);
    const { page: next } = await ask(thief);
    expectRefused(await thief.agent.submit(next, { credential }), 'password');
  });

  it.each([
    ['nothing', ''],
    ['no JSON', '{'],
    ['null', 'null'],
    ['an array', '[]'],
    ['a string', '"credential"'],
    ['numbers', '{"id":1,"rawId":2,"type":"public-key","response":{"clientDataJSON":3}}'],
    ['no response', '{"id":"AA","rawId":"AA","type":"public-key"}'],
    ['a huge id', JSON.stringify({ id: 'A'.repeat(12_000), rawId: 'A', type: 'public-key', response: {} })],
    ['deep nesting', `${'['.repeat(2000)}${']'.repeat(2000)}`],
    ['a prototype', '{"__proto__":{"id":"A"},"type":"public-key"}'],
  ])('is refused as any other where it is %s', async (_, credential) => {
    const person = await visit(server);
    const { page } = await ask(person);
    expectRefused(await person.agent.submit(page, { credential }), 'password');
  });

  it('is refused as any other where one field of it is another', async () => {
    const person = await withPasskey(server);
    const { page } = await ask(person);
    const answer = JSON.parse(credentialOf(person.device, page));
    // Escaped, the one that PostgreSQL takes in no text gets through to here.
    const odd = [1, {}, [], '', 'no base64url!', 'A\u0000', 'A'.repeat(9000), true];
    const fields = ['clientDataJSON', 'authenticatorData', 'signature', 'userHandle'];
    const wrong = [
      ...odd.map((value) => ({ ...answer, id: value })),
      ...odd.map((value) => ({ ...answer, rawId: value })),
      { ...answer, type: 'password' },
      ...fields.flatMap((field) =>
        odd.map((value) => ({ ...answer, response: { ...answer.response, [field]: value } })),
      ),
    ];
    for (const each of wrong) {
      const refused = await person.agent.post(page, { credential: JSON.stringify(each) });
      expect([refused.status, each]).toEqual([422, each]);
    }
  });

  it('does not answer the page of a flow that has gone on', async () => {
    const person = await withPasskey(server, { person: { totpSecret: SEED } });
    const { page } = await ask(person);
    await person.agent.submit(page, { email: person.account.email, password: PASSWORD });
    expectRefused(await byPasskey(person.agent, page, person.device), 'passkey');
  });

  it('waits where its visitor has failed too often', async () => {
    await using own = await startTestServer({ LIMIT_PER_ADDRESS: '2' });
    const person = await visit(own);
    const { page } = await ask(person);
    for (const status of [422, 422, 429]) {
      const answer = await person.agent.post(page, { credential: '{}' });
      expect(answer.status).toBe(status);
    }
    expect((await own.app.stores.auditTrail.latest(9, { event: 'sign_in.limited' })).length).toBe(1);
  });
});
