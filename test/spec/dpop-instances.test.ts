import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { MINUTE, toMilliseconds } from '../../src/lib/duration.ts';
import { newKey } from '../../src/lib/keyring-file.ts';
import { changeKeyringFile } from '../../src/lib/keyring-writing.ts';
import { type DpopKey, dpopKey } from '../support/dpop.ts';
import { type Answer, answerOf, basic, post } from '../support/endpoint.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { slowLooks } from '../support/slow-looks.ts';
import { racers } from '../support/stores.ts';
import { turnClocks } from '../support/time.ts';
import { ask, enter, told, visit } from '../support/visit.ts';

/** Each request goes to the other one of two instances. */
let server: TestServer;
let key: DpopKey;
beforeAll(async () => {
  server = await startTestServer({ SECOND_FACTOR: 'optional', LIMIT_ADDRESS_REQUESTS: '10000' }, { instances: 2 });
  key = await dpopKey();
});
afterAll(() => server[Symbol.asyncDispose]());
afterEach(() => void vi.useRealTimers());

const tokenUrl = () => `${server.issuer}/oauth2/token`;

/** Ten at the same moment, and every look at what was used before takes a while. */
async function tenAtOnce(run: () => Promise<Answer>): Promise<{ won: Answer[]; lost: Answer[] }> {
  const atOnce = slowLooks(server, 'ReplayDetection');
  const answers = await racers(10, run);
  atOnce();
  const [one = 0, other = 0] = server.served;
  expect(Math.min(one, other)).toBeGreaterThan(0);
  return { won: answers.filter(({ status }) => status === 200), lost: answers.filter(({ status }) => status !== 200) };
}

async function boundTokens() {
  const person = await visit(server, { type: 'spa' });
  await enter(person);
  const { authorization, page } = await ask(person);
  const form = {
    ...{
      grant_type: 'authorization_code',
      code: told(page).code ?? '',
      redirect_uri: person.client.settings.redirectUris[0] ?? '',
    },
    ...{ code_verifier: authorization.codeVerifier, client_id: person.client.id },
  };
  const { body } = await post(server, '/oauth2/token', form, { dpop: await key.proof(tokenUrl()) });
  return { person, accessToken: body.access_token ?? '', refreshToken: body.refresh_token ?? '' };
}

describe('one proof, ten times at the same moment, at two instances', () => {
  it('gets one token', async () => {
    const client = await server.addClient('service');
    const dpop = await key.proof(tokenUrl());
    const form = { grant_type: 'client_credentials' };
    const { won, lost } = await tenAtOnce(() => post(server, '/oauth2/token', form, { dpop, ...basic(client) }));
    expect(won).toHaveLength(1);
    for (const answer of lost) expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_dpop_proof' } });
  });

  it('refreshes once, and the family lives on', async () => {
    const { person, refreshToken } = await boundTokens();
    const form = { grant_type: 'refresh_token', refresh_token: refreshToken, client_id: person.client.id };
    const dpop = await key.proof(tokenUrl());
    const { won, lost } = await tenAtOnce(() => post(server, '/oauth2/token', form, { dpop }));
    expect(won).toHaveLength(1);
    for (const answer of lost) expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_dpop_proof' } });
    const next = { ...form, refresh_token: won[0]?.body.refresh_token ?? '' };
    expect((await post(server, '/oauth2/token', next, { dpop: await key.proof(tokenUrl()) })).status).toBe(200);
  });

  it('with ten proofs of the one key there is one successor', async () => {
    const { person, refreshToken } = await boundTokens();
    const form = { grant_type: 'refresh_token', refresh_token: refreshToken, client_id: person.client.id };
    const { won } = await tenAtOnce(async () =>
      post(server, '/oauth2/token', form, { dpop: await key.proof(tokenUrl()) }),
    );
    expect(won).toHaveLength(10);
    expect(new Set(won.map(({ body }) => body.refresh_token)).size).toBe(1);
  });

  it('opens userinfo once', async () => {
    const { accessToken } = await boundTokens();
    const address = `${server.issuer}/oauth2/userinfo`;
    const headers = {
      authorization: `DPoP ${accessToken}`,
      dpop: await key.proof(address, { method: 'GET', token: accessToken }),
    };
    const { won, lost } = await tenAtOnce(async () => answerOf(await fetch(address, { headers })));
    expect(won).toHaveLength(1);
    for (const answer of lost) {
      expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_dpop_proof' } });
      expect(answer.headers.get('www-authenticate')).toContain('DPoP ');
    }
  });
});

describe('a nonce', () => {
  const form = { grant_type: 'client_credentials' };

  it('of one instance is good at the other', async () => {
    const client = await server.addClient('service');
    const askWith = async (nonce?: string) =>
      post(server, '/oauth2/token', form, { dpop: await key.proof(tokenUrl(), { nonce }), ...basic(client) });
    const nonce = (await askWith()).headers.get('dpop-nonce') ?? '';
    for (let turn = 0; turn < 2; turn += 1) expect((await askWith(nonce)).status).toBe(200);
  });

  it('that was given out before the keyring moved on is replaced at once, at both alike', async () => {
    const client = await server.addClient('service');
    const askWith = async (nonce?: string) =>
      post(server, '/oauth2/token', form, { dpop: await key.proof(tokenUrl(), { nonce }), ...basic(client) });
    const activatesAt = systemClock() + toMilliseconds(2 * MINUTE);
    changeKeyringFile(server.config.folders.keys, (content) => ({
      ...content,
      keys: [newKey(activatesAt, systemClock), ...content.keys],
    }));
    for (const { app } of server.instances) app.stores.keyring.look();
    const nonce = (await askWith()).headers.get('dpop-nonce') ?? '';
    expect((await askWith(nonce)).status).toBe(200);

    // As long as nonces live, but for the one thing.
    turnClocks(2 * MINUTE + 5);
    const next = await askWith(nonce);
    expect(next).toMatchObject({ status: 400, body: { error: 'use_dpop_nonce' } });
    for (let turn = 0; turn < 2; turn += 1) {
      expect((await askWith(next.headers.get('dpop-nonce') ?? '')).status).toBe(200);
    }
  });
});
