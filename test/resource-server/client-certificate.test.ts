import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type ClientCertificate, createResourceServer, Refusal } from 'gatewright-resource-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bearer, call, outcome, REFUSED } from './call.ts';
import { AUDIENCE, accessToken, startIssuer, type TestIssuer } from './issuer.ts';

/* The attacker has a token that is bound to a certificate (RFC 8705 3), and another certificate, or none. */

const pemOf = (name: string) => readFileSync(new URL(`../operation/certificates/${name}.pem`, import.meta.url), 'utf8');
const [HOLDER, THIEF, PRIVATE_KEY] = [pemOf('good'), pemOf('other-name'), pemOf('key')] as [string, string, string];
const thumbprint = createHash('sha256').update(new X509Certificate(HOLDER).raw).digest('base64url');

let issuer: TestIssuer;
let token: string;
beforeAll(async () => {
  issuer = await startIssuer();
  token = await accessToken(issuer, { cnf: { 'x5t#S256': thumbprint } });
});
afterAll(() => issuer.close());

const newApi = (clientCertificate?: ClientCertificate, requireSenderConstrained = false) =>
  createResourceServer({
    ...{ issuer: issuer.issuer, audience: AUDIENCE, requireSenderConstrained },
    ...(clientCertificate && { clientCertificate }),
  });
const attempt = (certificate: ReturnType<ClientCertificate>) =>
  outcome(
    call(
      newApi(() => certificate),
      bearer(token),
    ),
  );

describe('a token that is bound to a certificate', () => {
  it('passes with it, as PEM and as DER', async () => {
    expect(await attempt(HOLDER)).toBe('passes');
    expect(await attempt(new X509Certificate(HOLDER).raw)).toBe('passes');
  });

  it.each<[string, ReturnType<ClientCertificate>]>([
    ['another one', THIEF],
    ['another one before it', `${THIEF}\n${HOLDER}`],
    ['none', null],
    ['an empty header', ''],
    ['an empty buffer', new Uint8Array()],
    ['something else', 'not a certificate'],
    ['its thumbprint', thumbprint],
    ['the private key', PRIVATE_KEY],
  ])('is refused with %s', async (_what, certificate) => expect(await attempt(certificate)).toBe(REFUSED));

  it('is refused where nobody looks at certificates', async () => {
    expect(await outcome(call(newApi(), bearer(token)))).toBe(REFUSED);
  });

  it('is refused with a certificate in a header that nobody was told to read', async () => {
    const headers = { ...bearer(token), 'x-client-cert': encodeURIComponent(HOLDER), 'client-cert': HOLDER };
    expect(
      await outcome(
        call(
          newApi(() => null),
          headers,
        ),
      ),
    ).toBe(REFUSED);
  });

  it('passes where only bound tokens do, and others do not', async () => {
    const strict = newApi(() => HOLDER, true);
    expect(await outcome(call(strict, bearer(token)))).toBe('passes');
    expect(await outcome(call(strict, bearer(await accessToken(issuer))))).toBe(REFUSED);
    expect(() => newApi(undefined, true)).toThrow('requireSenderConstrained needs dpop or clientCertificate');
  });
});

describe('over TLS', () => {
  let server: https.Server;
  beforeAll(async () => {
    const api = newApi(({ native }) => {
      const socket = (native as { socket: TLSSocket }).socket;
      return socket.getPeerCertificate().raw;
    });
    // Whoever signed the certificate does not matter: the token names it (RFC 8705 2.2).
    const tls = { cert: HOLDER, key: PRIVATE_KEY, requestCert: true, rejectUnauthorized: false };
    server = https.createServer(tls, (req, res) => {
      api.verify({ method: 'GET', url: req.url ?? '', headers: req.headersDistinct, native: req }).then(
        ({ sub }) => res.end(sub),
        (err: unknown) => res.writeHead(err instanceof Refusal ? err.status : 500).end(),
      );
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
  });
  afterAll(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );

  const get = (client: { cert?: string; key?: string }) =>
    new Promise<number | undefined>((resolve, reject) => {
      const { port } = server.address() as AddressInfo;
      // What is tested is what the server sees: its own certificate is one for tests.
      const options = { host: '127.0.0.1', port, agent: false, rejectUnauthorized: false, headers: bearer(token) };
      https.get({ ...options, ...client }, (res) => resolve(res.resume().statusCode)).on('error', reject);
    });

  it('the certificate of the connection counts', async () => {
    expect(await get({ cert: HOLDER, key: PRIVATE_KEY })).toBe(200);
    expect(await get({ cert: THIEF, key: PRIVATE_KEY })).toBe(401);
    expect(await get({})).toBe(401);
  });
});
