import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import type { Socket } from 'node:net';
import { decodeJwt } from 'jose';
import * as openid from 'openid-client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { certificatesAsKeys } from '../../src/cli/certificate-options.ts';
import { newId } from '../../src/lib/ids.ts';
import { CN, FOR_CLIENTS, FOR_SERVERS, type Issued, issue } from '../support/certificates.ts';
import { assertionClaims, clientKeys } from '../support/client-keys.ts';
import { dpopKey } from '../support/dpop.ts';
import { answerOf, basic, bearer } from '../support/endpoint.ts';
import { AUTHORITY, fetchWith, PUBLIC_AUTHORITY, startTlsServer, type TlsServer } from '../support/mutual-tls.ts';
import { CALLBACK, createRelyingParty } from '../support/relying-party.ts';
import type { AddClient } from '../support/server.ts';
import { ask, enter, told, visit } from '../support/visit.ts';

/*
 * The attacker has a certificate of their own, of the listed authority or of none, or a token that was stolen without
 * the key it is bound to, and reaches both listeners.
 */
const AUDIENCE = 'https://api.example';
const DAY = 86_400_000;

let server: TlsServer;
beforeAll(async () => {
  server = await startTlsServer({ SECOND_FACTOR: 'optional' });
  await server.addClient('resource', { id: 'api', audience: AUDIENCE, scopes: ['read'] });
});
afterAll(() => server[Symbol.asyncDispose]());

const issued = (wanted: Parameters<typeof issue>[0] = {}) => issue({ by: AUTHORITY, uses: [FOR_CLIENTS], ...wanted });
const keysOf = ({ cert }: Issued) => ({ jwks: certificatesAsKeys(cert) });
const service = (options: AddClient) =>
  server.addClient('service', { audiences: [AUDIENCE], scopes: ['read'], ...options });

const post = async (
  path: string,
  parameters: Record<string, string>,
  client: Issued | null = null,
  headers: Record<string, string> = {},
) =>
  answerOf(
    await fetchWith({ client })(`${server.mutualTlsOrigin}${path}`, {
      ...{ method: 'POST', body: new URLSearchParams(parameters), headers },
    }),
  );
const askAs = (id: string, client: Issued | null) =>
  post('/oauth2/token', { grant_type: 'client_credentials', client_id: id }, client);
const userinfo = async (origin: string, token: string, client: Issued | null = null) =>
  answerOf(await fetchWith({ client })(`${origin}/oauth2/userinfo`, { headers: bearer(token) }));

const ok = { status: 200, body: { access_token: expect.any(String), token_type: 'Bearer' } };
const refused = { status: 401, body: { error: 'invalid_client' } };
const notGranted = { status: 400, body: { error: 'invalid_grant' } };

const showing = (client: Issued) => fetchWith({ client }) as openid.CustomFetch;

/** A client library that we did not write, which finds the endpoints by itself. */
async function partyOf(id: string, client: Issued, authentication = openid.TlsClientAuth()) {
  const metadata = { use_mtls_endpoint_aliases: true };
  const options = { [openid.customFetch]: showing(client) };
  return openid.discovery(new URL(server.issuer), id, metadata, authentication, options);
}

/** Has the server take up what a file is given. */
async function replace(file: string, content: string): Promise<void> {
  const count = () => server.logged.filter((line) => line.includes('replaced files are used from now on')).length;
  const before = count();
  writeFileSync(file, content);
  await vi.waitFor(() => expect(count()).toBeGreaterThan(before), { timeout: 10_000, interval: 50 });
}

describe('discovery (RFC 8705 3.3, 5)', () => {
  it('offers what is configured, at the address that asks for certificates', async () => {
    const { body } = await answerOf(await fetch(`${server.issuer}/.well-known/openid-configuration`));
    expect(body['token_endpoint_auth_methods_supported']).toEqual(
      expect.arrayContaining(['tls_client_auth', 'self_signed_tls_client_auth']),
    );
    expect(body['tls_client_certificate_bound_access_tokens']).toBe(true);
    const resource = await answerOf(
      await fetch(`${server.issuer}/.well-known/oauth-protected-resource/oauth2/userinfo`),
    );
    expect(resource.body['tls_client_certificate_bound_access_tokens']).toBe(true);
    expect(body['token_endpoint']).toBe(`${server.issuer}/oauth2/token`);
    const aliases = body['mtls_endpoint_aliases'] as Record<string, string>;
    expect(Object.keys(aliases).sort()).toEqual([
      ...['device_authorization_endpoint', 'introspection_endpoint', 'pushed_authorization_request_endpoint'],
      ...['revocation_endpoint', 'token_endpoint', 'userinfo_endpoint'],
    ]);
    for (const [name, address] of Object.entries(aliases)) {
      expect(address).toBe(String(body[name]).replace(server.issuer, server.mutualTlsOrigin));
    }
  });
});

describe('a certificate of a listed authority (RFC 8705 2.1)', () => {
  const registered = (value = 'billing.example.org') =>
    service({ authMethod: 'tls_client_auth', certificateSubject: { by: 'san_dns', value } });
  const named = { names: [{ dns: 'billing.example.org' }] };

  it('opens, and the token can be bound to it', async () => {
    const certificate = issued(named);
    const { id } = await service({
      ...{ authMethod: 'tls_client_auth', certificateBound: true },
      certificateSubject: { by: 'san_dns', value: 'billing.example.org' },
    });
    const party = await partyOf(id, certificate);
    const { access_token: token } = await openid.clientCredentialsGrant(party);
    const thumbprint = certificate.certificate.fingerprint256.replaceAll(':', '');
    const cnf = { 'x5t#S256': Buffer.from(thumbprint, 'hex').toString('base64url') };
    expect(decodeJwt(token)).toMatchObject({ client_id: id, aud: AUDIENCE, cnf });
    expect(await openid.tokenIntrospection(party, token)).toMatchObject({ active: true, cnf });
    await openid.tokenRevocation(party, token);
    expect(await openid.tokenIntrospection(party, token)).toEqual({ active: false });
  });

  it('that names somebody else, or nobody, does not', async () => {
    const { id } = await registered();
    for (const names of [[{ dns: 'evil.example.org' }], [{ uri: 'https://billing.example.org' }], []]) {
      expect(await askAs(id, issued({ names })), JSON.stringify(names)).toMatchObject(refused);
    }
    expect(await askAs(id, issued({ subject: [[[CN, 'billing.example.org']]] }))).toMatchObject(refused);
    expect(await askAs(id, issued(named))).toMatchObject(ok);
  });

  it('of another authority does not, whatever that is called, nor one that signs itself', async () => {
    const { id } = await registered();
    const twin = issue({ subject: [[[CN, 'Test authority']]], authority: true });
    const client = issued(named);
    for (const by of [twin, PUBLIC_AUTHORITY, client, undefined]) {
      expect(await askAs(id, issue({ ...named, uses: [FOR_CLIENTS], ...(by && { by }) }))).toMatchObject(refused);
    }
  });

  it('does where that one is listed, although another signed it: from a start on, and from a change of the file', async () => {
    const root = issue({ subject: [[[CN, 'Root']]], authority: true });
    const [between, beside] = ['Between', 'Beside'].map((name) =>
      issue({ subject: [[[CN, name]]], authority: true, by: root }),
    ) as [Issued, Issued];
    const [certificate, foreign] = [between, beside].map((by) => issued({ ...named, by })) as [Issued, Issued];
    const { id } = await registered();
    expect(await askAs(id, certificate)).toMatchObject(refused);
    await replace(server.authorityFile, AUTHORITY.cert + between.cert);
    expect(await askAs(id, certificate)).toMatchObject(ok);
    expect(await askAs(id, foreign)).toMatchObject(refused);
    await server.restart();
    expect(await askAs(id, certificate)).toMatchObject(ok);
    expect(await askAs(id, foreign)).toMatchObject(refused);
    expect(await askAs(id, issued(named))).toMatchObject(ok);
    await replace(server.authorityFile, AUTHORITY.cert);
    expect(await askAs(id, certificate)).toMatchObject(refused);
  });

  it('does not over a connection that is older than the list, where its authority is not in that any more', async () => {
    const certificate = issued(named);
    const { id } = await registered();
    const { cert, key } = certificate;
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca: AUTHORITY.cert, cert, key });
    const sockets = new Set<Socket>();
    const ask = async () => {
      const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      const sent = https.request(
        `${server.mutualTlsOrigin}/oauth2/token`,
        { method: 'POST', headers, agent },
        (res) => {
          res.resume().on('end', () => resolve(res.statusCode));
        },
      );
      sent.on('socket', (socket) => sockets.add(socket)).on('error', reject);
      sent.end(new URLSearchParams({ grant_type: 'client_credentials', client_id: id }).toString());
      return promise;
    };
    expect([await ask(), await ask(), sockets.size]).toEqual([200, 200, 1]);
    // The server's own certificate changes nothing for those who are there.
    await replace(server.keyFile, `${readFileSync(server.keyFile, 'utf8')}\n`);
    expect([await ask(), sockets.size]).toEqual([200, 1]);

    const closed = once([...sockets][0] as Socket, 'close');
    await replace(server.authorityFile, PUBLIC_AUTHORITY.cert);
    await closed;
    expect(await ask()).toBe(401);
    agent.destroy();
    await replace(server.authorityFile, AUTHORITY.cert);
    expect(await askAs(id, certificate)).toMatchObject(ok);
  });

  it('that is for servers, or out of its time, does not', async () => {
    const { id } = await registered();
    const now = Date.now();
    for (const wrong of [
      { uses: [FOR_SERVERS] },
      { from: new Date(now - 2 * DAY), until: new Date(now - DAY / 24) },
      { from: new Date(now + DAY / 24) },
    ]) {
      expect(await askAs(id, issued({ ...named, ...wrong })), JSON.stringify(wrong)).toMatchObject(refused);
    }
  });

  it('is needed, with the name of the client alone, at the port that asks for it', async () => {
    const { id, secret } = await registered();
    expect(await askAs(id, null)).toMatchObject(refused);
    const bySecret = await post(
      '/oauth2/token',
      { grant_type: 'client_credentials' },
      issued(named),
      basic({ id, secret }),
    );
    expect(bySecret).toMatchObject(refused);
    const plain = { method: 'POST', body: new URLSearchParams({ grant_type: 'client_credentials', client_id: id }) };
    const main = await fetchWith({ client: issued(named) })(`${server.issuer}/oauth2/token`, plain);
    expect(await answerOf(main)).toMatchObject(refused);
  });
});

describe('a certificate that the client made itself (RFC 8705 2.2)', () => {
  it('opens where it is registered, and another of the same name does not', async () => {
    const [first, second] = [issue(), issue()];
    const both = { keys: [...(keysOf(first).jwks?.keys ?? []), ...(keysOf(second).jwks?.keys ?? [])] };
    const { id } = await service({ authMethod: 'self_signed_tls_client_auth', jwks: both });
    for (const certificate of [first, second]) {
      const answer = await openid.clientCredentialsGrant(await partyOf(id, certificate));
      expect(answer.access_token).toEqual(expect.any(String));
    }
    for (const stranger of [issue(), issued(), null]) expect(await askAs(id, stranger)).toMatchObject(refused);
  });

  it('is refused out of its time', async () => {
    const old = issue({ from: new Date(Date.now() - 2 * DAY), until: new Date(Date.now() - DAY) });
    const early = issue({ from: new Date(Date.now() + DAY / 24) });
    for (const certificate of [old, early]) {
      const { id } = await service({ authMethod: 'self_signed_tls_client_auth', ...keysOf(certificate) });
      expect(await askAs(id, certificate)).toMatchObject(refused);
    }
  });

  it('does not stand in for another method, and that not for it', async () => {
    const certificate = issue();
    const bySecret = await service(keysOf(certificate));
    expect(await askAs(bySecret.id, certificate)).toMatchObject(refused);
    const byName = await service({
      ...{ authMethod: 'tls_client_auth', certificateSubject: { by: 'subject_dn', value: 'CN=somebody' } },
      ...keysOf(certificate),
    });
    expect(await askAs(byName.id, certificate)).toMatchObject(refused);
  });
});

describe('what else clients prove there', () => {
  it('names this server by the address that was called, or by the issuer', async () => {
    const certificate = issue();
    const { id } = await service({ authMethod: 'self_signed_tls_client_auth', ...keysOf(certificate) });
    const party = await partyOf(id, certificate);
    const proof = openid.getDPoPHandle(party, await openid.randomDPoPKeyPair());
    const { access_token: token } = await openid.clientCredentialsGrant(party, {}, { DPoP: proof });
    expect(decodeJwt(token)['cnf']).toEqual({ jkt: expect.any(String) });

    const keys = await clientKeys();
    const keyed = await service({ authMethod: 'private_key_jwt', jwks: keys.jwks });
    for (const [audience, expected] of [
      [server.issuer, ok],
      [`${server.mutualTlsOrigin}/oauth2/token`, ok],
      ['https://evil.example/oauth2/token', refused],
    ] as const) {
      const parameters = {
        grant_type: 'client_credentials',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: await keys.sign(assertionClaims(keyed.id, audience)),
      };
      expect(await post('/oauth2/token', parameters), audience).toMatchObject(expected);
    }
  });

  it('leads people to the issuer, where their browsers are not asked for a certificate', async () => {
    const device = await server.addClient('native', { deviceGrant: true });
    const { body } = await post('/oauth2/device', { client_id: device.id, scope: 'openid' });
    expect(body['verification_uri']).toBe(`${server.issuer}/device`);
  });
});

describe('tokens that are bound to a certificate (RFC 8705 3)', () => {
  async function bound(options: { type: 'web' | 'spa' }) {
    const certificate = issue();
    const person = await visit(server, {
      ...options,
      certificateBound: true,
      scopes: ['openid', 'email', 'offline_access'],
    });
    person.party = await createRelyingParty(server, person.client, showing(certificate));
    const tokens = await enter(person, { scope: 'openid email offline_access', prompt: 'consent' });
    return { person, certificate, tokens, refreshToken: tokens.refresh_token ?? '' };
  }
  const REFRESH = { grant_type: 'refresh_token' };
  const introspectRefresh = async (token: string, secret: { authorization: string }) =>
    (await post('/oauth2/introspect', { token }, null, secret)).body;

  it.each(['web', 'spa'] as const)('open userinfo with it, and to nobody without: %s', async (type) => {
    const { person, certificate, tokens } = await bound({ type });
    const token = tokens.access_token;
    expect(decodeJwt(token)['cnf']).toEqual({ 'x5t#S256': expect.stringMatching(/^[\w-]{43}$/) });
    expect(await person.party.userinfo(token, person.account.id)).toMatchObject({ sub: person.account.id });
    expect(await userinfo(server.mutualTlsOrigin, token, certificate)).toMatchObject({ status: 200 });
    for (const [origin, other] of [
      [server.mutualTlsOrigin, issue()],
      [server.mutualTlsOrigin, issued()],
      [server.mutualTlsOrigin, null],
      [server.issuer, certificate],
      [server.issuer, null],
    ] as const) {
      const answer = await userinfo(origin, token, other);
      expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_token' } });
    }
  });

  it('the code of a public client gives none to whoever shows no certificate', async () => {
    const person = await visit(server, { type: 'spa', certificateBound: true });
    await expect(enter(person)).rejects.toMatchObject({ error: 'invalid_grant' });
  });

  it('the refresh token of a public client is of use with that certificate alone', async () => {
    const { person, certificate, refreshToken } = await bound({ type: 'spa' });
    const parameters = { ...REFRESH, client_id: person.client.id, refresh_token: refreshToken };
    for (const other of [issue(), null]) {
      expect(await post('/oauth2/token', parameters, other)).toMatchObject(notGranted);
    }
    const next = await post('/oauth2/token', parameters, certificate);
    expect(next).toMatchObject(ok);
    expect(decodeJwt(next.body.access_token ?? '')['cnf']).toEqual(expect.anything());
    // Again within the window of a repeat, by whoever has stolen it.
    for (const other of [issue(), null]) {
      expect(await post('/oauth2/token', parameters, other)).toMatchObject(notGranted);
    }
    const successor = next.body.refresh_token ?? '';
    expect(await post('/oauth2/token', { ...parameters, refresh_token: successor }, issue())).toMatchObject(notGranted);
    expect(await person.party.refresh(successor)).toMatchObject({ access_token: expect.any(String) });
  });

  it('a confidential client may change its certificate, and gets tokens bound to the new one', async () => {
    const { person, tokens, refreshToken } = await bound({ type: 'web' });
    const renewed = issue();
    const parameters = { ...REFRESH, refresh_token: refreshToken };
    expect(await post('/oauth2/token', parameters, null, basic(person.client))).toMatchObject(notGranted);
    const next = await post('/oauth2/token', parameters, renewed, basic(person.client));
    expect(next).toMatchObject(ok);
    const { cnf } = decodeJwt(next.body.access_token ?? '');
    expect(cnf).not.toEqual(decodeJwt(tokens.access_token)['cnf']);
    const shown = await userinfo(server.mutualTlsOrigin, next.body.access_token ?? '', renewed);
    expect(shown).toMatchObject({ status: 200 });
  });

  it('are not bound to the key of a proof besides, and nothing is spent on being told so', async () => {
    const { person, certificate, refreshToken } = await bound({ type: 'web' });
    const { authorization, page } = await ask(person);
    const code = {
      ...{ grant_type: 'authorization_code', code: told(page).code ?? '', redirect_uri: CALLBACK },
      code_verifier: authorization.codeVerifier,
    };
    const refresh = { ...REFRESH, refresh_token: refreshToken };
    const key = await dpopKey();
    const secret = basic(person.client);
    for (const form of [code, refresh]) {
      const dpop = await key.proof(`${server.mutualTlsOrigin}/oauth2/token`);
      const both = await post('/oauth2/token', form, certificate, { ...secret, dpop });
      expect(both).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
      expect(both.body['error_description']).toContain('multiple proof-of-possession');
    }
    expect(await introspectRefresh(refreshToken, secret)).toMatchObject({ active: true });
    for (const form of [code, refresh])
      expect(await post('/oauth2/token', form, certificate, secret)).toMatchObject(ok);
  });

  it('an API learns what they are bound to', async () => {
    const audience = `https://${newId('cli')}.example`;
    const api = await server.addClient('resource', { audience, scopes: ['read'] });
    const certificate = issue();
    const { id } = await service({
      ...{ authMethod: 'self_signed_tls_client_auth', certificateBound: true, audiences: [audience] },
      ...keysOf(certificate),
    });
    const { body } = await askAs(id, certificate);
    const { cnf } = decodeJwt(body.access_token ?? '');
    const told = await fetch(`${server.issuer}/oauth2/introspect`, {
      ...{ method: 'POST', headers: basic(api), body: new URLSearchParams({ token: body.access_token ?? '' }) },
    });
    expect((await answerOf(told)).body).toMatchObject({ active: true, cnf });
  });
});
