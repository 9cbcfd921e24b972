import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addDevices, askAsDevice, connect, DEVICE_GRANT, poll } from '../support/devices.ts';
import { type DpopKey, dpopKey, type ProofOptions } from '../support/dpop.ts';
import { type Answer, answerOf, basic, post, userinfo } from '../support/endpoint.ts';
import { CALLBACK } from '../support/relying-party.ts';
import { type AddClient, startTestServer, type TestClient, type TestServer } from '../support/server.ts';
import { createUserAgent } from '../support/user-agent.ts';
import { ask, enter, told, type Visit, visit } from '../support/visit.ts';

const AUDIENCE = 'https://api.example';
const BOUND = { status: 200, body: { access_token: expect.any(String), token_type: 'DPoP' } };

let server: TestServer;
let key: DpopKey;
beforeAll(async () => {
  server = await startTestServer({ SECOND_FACTOR: 'optional', LIMIT_ADDRESS_REQUESTS: '10000' });
  await server.addClient('resource', { audience: AUDIENCE, scopes: ['read'], id: 'api' });
  key = await dpopKey();
});
afterAll(() => server[Symbol.asyncDispose]());

const tokenUrl = () => `${server.issuer}/oauth2/token`;
const service = (options: AddClient = {}) =>
  server.addClient('service', { audiences: [AUDIENCE], scopes: ['read'], ...options });

const askWith = (client: TestClient, dpop: string): Promise<Answer> =>
  post(server, '/oauth2/token', { grant_type: 'client_credentials' }, { dpop, ...basic(client) });
const proofWith = (options?: ProofOptions, by = key) => by.proof(tokenUrl(), options);

/** A client without a secret, with a code in hand. */
async function withCode(parameters: Record<string, string> = {}, options: AddClient = {}) {
  const person = await visit(server, { type: 'spa', ...options });
  await enter(person).catch(() => null);
  const { authorization, page } = await ask(person, parameters);
  const form = {
    ...{ grant_type: 'authorization_code', code: told(page).code ?? '', redirect_uri: CALLBACK },
    ...{ code_verifier: authorization.codeVerifier, client_id: person.client.id },
  };
  return { person, form };
}

async function boundTokens(by = key) {
  const { person, form } = await withCode();
  const answer = await post(server, '/oauth2/token', form, { dpop: await proofWith({}, by) });
  expect(answer).toMatchObject(BOUND);
  return { person, accessToken: answer.body.access_token ?? '', refreshToken: answer.body.refresh_token ?? '' };
}

async function askUserinfo(token: string, proof: string | null, scheme = 'DPoP'): Promise<Answer> {
  const headers = { authorization: `${scheme} ${token}`, ...(proof !== null && { dpop: proof }) };
  return answerOf(await fetch(`${server.issuer}/oauth2/userinfo`, { headers }));
}
const userinfoProof = (token: string, options: ProofOptions = {}, by = key) =>
  by.proof(`${server.issuer}/oauth2/userinfo`, { method: 'GET', token, ...options });

describe('a bound token', () => {
  it('opens userinfo with its key, and with nothing else (safety rule 19)', async () => {
    const { accessToken, person } = await boundTokens();
    const good = await askUserinfo(accessToken, await userinfoProof(accessToken));
    expect(good).toMatchObject({ status: 200, body: { sub: person.account.id } });

    expect(await userinfo(server, accessToken)).toMatchObject({ status: 401, body: { error: 'invalid_token' } });
    const stranger = await dpopKey();
    const stolen = await askUserinfo(accessToken, await userinfoProof(accessToken, {}, stranger));
    expect(stolen).toMatchObject({ status: 401, body: { error: 'invalid_token' } });
    const { accessToken: another } = await boundTokens();
    for (const [proof, error] of [
      [await userinfoProof(another), 'invalid_dpop_proof'],
      [await userinfoProof(accessToken, { claims: { ath: undefined } }), 'invalid_dpop_proof'],
      [await userinfoProof(accessToken, { method: 'POST' }), 'invalid_dpop_proof'],
    ] as const) {
      const answer = await askUserinfo(accessToken, proof);
      expect(answer).toMatchObject({ status: 401, body: { error } });
      expect(answer.headers.get('www-authenticate')).toMatch(/^DPoP .*error="invalid_dpop_proof".*algs="[^"]*ES256/);
    }
    for (const [proof, scheme] of [
      [null, 'DPoP'],
      [await userinfoProof(accessToken), 'Bearer'],
    ] as const) {
      expect((await askUserinfo(accessToken, proof, scheme)).status).toBe(400);
    }
  });

  it('and a proof do not go together where the token is not bound', async () => {
    const { access_token } = await enter(await visit(server));
    const answer = await askUserinfo(access_token, await userinfoProof(access_token));
    expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_token' } });
  });

  it('is shown with its key at introspection (RFC 9449 6.2)', async () => {
    const client = await service();
    const own = (await askWith(client, await proofWith())).body.access_token ?? '';
    const seen = await post(server, '/oauth2/introspect', { token: own }, basic(client));
    expect(seen.body).toMatchObject({ active: true, token_type: 'DPoP', cnf: { jkt: key.thumbprint } });
  });
});

describe('a refresh token of a public client (RFC 9449 5)', () => {
  const refreshing = ({ client }: Visit, refresh_token: string) => ({
    ...{ grant_type: 'refresh_token', refresh_token, client_id: client.id },
  });

  it('is good with the key of its first use only, and its successors too', async () => {
    const { person, refreshToken } = await boundTokens();
    const form = refreshing(person, refreshToken);
    const stranger = await dpopKey();
    const refused = { status: 400, body: { error: 'invalid_grant' } };
    expect(await post(server, '/oauth2/token', form)).toMatchObject(refused);
    expect(await post(server, '/oauth2/token', form, { dpop: await proofWith({}, stranger) })).toMatchObject(refused);
    const next = await post(server, '/oauth2/token', form, { dpop: await proofWith() });
    expect(next).toMatchObject(BOUND);
    const after = refreshing(person, next.body.refresh_token ?? '');
    expect(await post(server, '/oauth2/token', after, { dpop: await proofWith({}, stranger) })).toMatchObject(refused);
    expect(await post(server, '/oauth2/token', after, { dpop: await proofWith() })).toMatchObject(BOUND);
  });

  it('has each repeat show the key again, and then gives the same successor (safety rule 15)', async () => {
    const { person, refreshToken } = await boundTokens();
    const form = refreshing(person, refreshToken);
    const repeat = async (by = key) => post(server, '/oauth2/token', form, { dpop: await proofWith({}, by) });
    const first = await repeat();
    expect(await repeat(await dpopKey())).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect(await post(server, '/oauth2/token', form)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    const again = await repeat();
    expect(again).toMatchObject(BOUND);
    expect(again.body.refresh_token).toBe(first.body.refresh_token);
    expect(decodeJwt(again.body.access_token ?? '')['cnf']).toEqual({ jkt: key.thumbprint });
  });
});

describe('a code that is bound to a key beforehand (RFC 9449 10)', () => {
  it('by dpop_jkt is redeemed with that key only', async () => {
    for (const [dpop, expected] of [
      [await proofWith(), BOUND],
      [await proofWith({}, await dpopKey()), { status: 400, body: { error: 'invalid_grant' } }],
      [null, { status: 400, body: { error: 'invalid_grant' } }],
    ] as const) {
      const { form } = await withCode({ dpop_jkt: key.thumbprint });
      expect(await post(server, '/oauth2/token', form, dpop === null ? {} : { dpop })).toMatchObject(expected);
    }
  });

  it('by a proof at the PAR endpoint too, which must fit dpop_jkt', async () => {
    const { person, form } = await withCode();
    const { url, codeVerifier } = await person.party.authorization();
    const parameters = Object.fromEntries(new URL(url).searchParams);
    const push = async (more: Record<string, string> = {}) =>
      post(server, '/oauth2/par', { ...parameters, ...more }, { dpop: await key.proof(`${server.issuer}/oauth2/par`) });
    const unfit = await push({ dpop_jkt: (await dpopKey()).thumbprint });
    expect(unfit).toMatchObject({ status: 400, body: { error: 'invalid_request' } });

    const pushed = await push();
    expect(pushed.status).toBe(201);
    const request = new URLSearchParams({
      client_id: person.client.id,
      request_uri: String(pushed.body['request_uri']),
    });
    const page = await person.agent.follow(`/oauth2/authorize?${request}`);
    const redemption = { ...form, code: told(page).code ?? '', code_verifier: codeVerifier };
    const stranger = await proofWith({}, await dpopKey());
    expect(await post(server, '/oauth2/token', redemption, { dpop: stranger })).toMatchObject({
      ...{ status: 400, body: { error: 'invalid_grant' } },
    });
  });
});

describe('a client that must bind its tokens (--dpop-bound)', () => {
  it('gets none without a proof, by no grant', async () => {
    const machine = await service({ dpopBound: true });
    const refused = { status: 400, body: { error: 'invalid_grant' } };
    expect(await post(server, '/oauth2/token', { grant_type: 'client_credentials' }, basic(machine))).toMatchObject(
      refused,
    );
    expect(await askWith(machine, await proofWith())).toMatchObject(BOUND);

    const { form } = await withCode({}, { dpopBound: true });
    expect(await post(server, '/oauth2/token', form)).toMatchObject(refused);
    expect(await post(server, '/oauth2/token', form, { dpop: await proofWith() })).toMatchObject(BOUND);
  });

  it('on a device is helped by its key as well', async () => {
    const client = await addDevices(server, { dpopBound: true });
    const { body } = await askAsDevice(server, client);
    await connect(createUserAgent(server.issuer), body.user_code, await server.addAccount());
    expect(await poll(server, client, body.device_code)).toMatchObject({ body: { error: 'invalid_grant' } });
    const form = {
      ...{ grant_type: DEVICE_GRANT, device_code: body.device_code },
      client_id: client.id,
    };
    const answer = await post(server, '/oauth2/token', form, { dpop: await proofWith() });
    expect(answer).toMatchObject(BOUND);
    expect(await userinfo(server, answer.body.access_token ?? '')).toMatchObject({ status: 401 });
  });
});
