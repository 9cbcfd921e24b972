import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { byPasskey, credentialOf, optionsOn } from '../support/passkey-visit.ts';
import { aDevice, addPasskey } from '../support/passkeys.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { again, ask, enter, stepOf, visit } from '../support/visit.ts';
import { eventsOf, expectRefused, withPasskey } from './passkey-visits.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ LIMIT_PER_ADDRESS: '10000' });
});
afterAll(() => server[Symbol.asyncDispose]());

const ACR = 'urn:gatewright:acr:';

describe('a passkey on the sign-in page', () => {
  it('is all that it takes: no address, no password, two factors', async () => {
    const person = await withPasskey(server);
    const before = Math.floor(Date.now() / 1000);
    const { authorization, page } = await ask(person);
    expect(optionsOn(page)).toMatchObject({ rpId: 'localhost', userVerification: 'required' });
    expect(optionsOn(page).allowCredentials).toBeUndefined();
    expect(page.html).toContain('autocomplete="username webauthn"');
    const tokens = await person.party.redeem(await byPasskey(person.agent, page, person.device), authorization);
    const claims = tokens.claims();
    expect(claims).toMatchObject({
      ...{ sub: person.account.id, acr: `${ACR}phishing-resistant`, amr: ['swk', 'user', 'mfa'] },
    });
    expect(claims?.auth_time).toBeGreaterThanOrEqual(before);
    expect(claims?.auth_time).toBeLessThanOrEqual(Math.ceil(Date.now() / 1000));
    expect(await eventsOf(server, person.account.id, 'passkey.used')).toMatchObject([
      { actor: person.account.id, clientId: person.client.id, detail: `{"credentialId":"${person.passkeyId}"}` },
    ]);
    expect((await again(person, { acr_values: `${ACR}phishing-resistant` })).claims()?.sub).toBe(person.account.id);
  });

  it('stays signed in where that is ticked, and is a browser that is known from then on', async () => {
    const person = await withPasskey(server);
    const { page } = await ask(person);
    const credential = credentialOf(person.device, page);
    await person.agent.submit(page, { credential, remember: 'yes' });
    expect(person.agent.jar.has('gatewright-browser /')).toBe(true);
    const { url } = await person.party.authorization();
    const answer = await person.agent.request(url);
    const kept = answer.headers.getSetCookie().filter((line) => /^gatewright=/.test(line) && /expires=/i.test(line));
    expect(kept).toHaveLength(1);
  });

  it('counts once, however often and fast the same answer comes', async () => {
    const person = await withPasskey(server);
    const { page } = await ask(person);
    const credential = credentialOf(person.device, page);
    const release = meetAtTheLook(10);
    const answers = await Promise.all(Array.from({ length: 10 }, () => person.agent.post(page, { credential })));
    release();
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(303));
    expect(await eventsOf(server, person.account.id, 'passkey.used')).toHaveLength(1);
    // Too late for it as well: the flow has gone on.
    const late = await person.agent.post(page, { credential });
    expect([303, 422]).toContain(late.status);
    expect(await eventsOf(server, person.account.id, 'passkey.used')).toHaveLength(1);
  });

  it('makes nothing of what another account proved, and is asked for where a session has not enough', async () => {
    const ada = await visit(server);
    await enter(ada);
    const bob = await withPasskey(server);
    const { authorization, page } = await ask(ada, { acr_values: `${ACR}phishing-resistant` });
    expect([stepOf(page), page.html.includes('data-passkey')]).toEqual(['password', true]);
    const handover = await byPasskey(ada.agent, page, bob.device);
    const tokens = await ada.party.redeem(await ada.agent.submit(handover), authorization);
    expect(tokens.claims()).toMatchObject({ sub: bob.account.id, amr: ['swk', 'user', 'mfa'] });
  });

  it('answers a page of at least five minutes, and none of ten; the page that says so works', async () => {
    await using own = await startTestServer();
    const person = await visit(own);
    const device = aDevice();
    await addPasskey(own, person.account.id, device);
    for (const [age, accepted] of [
      [5, true],
      [10, false],
    ] as const) {
      const { page } = await ask(person, { prompt: 'login' });
      const credential = credentialOf(device, page);
      own.passTime(age * 60_000);
      const answer = await person.agent.submit(page, { credential });
      if (!accepted) expectRefused(answer, 'password');
      expect((accepted ? answer : await byPasskey(person.agent, answer, device)).url).toContain('code=');
    }
  });

  it('is neither offered nor taken with PASSKEYS=off', async () => {
    await using own = await startTestServer({ PASSKEYS: 'off' });
    const person = await visit(own);
    const device = aDevice();
    await addPasskey(own, person.account.id, device);
    const { page } = await ask(person);
    expect(page.html).not.toContain('passkey');
    expect(page.html).not.toContain('webauthn');
    const form = { action: page.url.replace(own.issuer, '').concat('/passkey'), method: 'post', buttons: [] };
    const fields = { csrf: page.forms[0]?.fields['csrf'] ?? '', credential: '{}' };
    const back = await person.agent.submit({ ...page, forms: [{ ...form, fields }] }, { credential: '{}' });
    expect([back.status, stepOf(back)]).toEqual([200, 'password']);
  });
});

/** Lets `count` requests verify before any of them spends the challenge. */
function meetAtTheLook(count: number): () => void {
  const { passkeys } = server.app.stores;
  const { findByCredential } = passkeys;
  const all = Promise.withResolvers<void>();
  let arrived = 0;
  passkeys.findByCredential = async (id) => {
    arrived += 1;
    if (arrived === count) all.resolve();
    await all.promise;
    return findByCredential(id);
  };
  return () => {
    passkeys.findByCredential = findByCredential;
  };
}
