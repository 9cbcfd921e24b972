import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

export const AUDIENCE = 'https://api.example';

/** A key pair, and what is published of it. */
export interface IssuerKey {
  kid: string;
  alg: string;
  privateKey: CryptoKey;
  jwk: JWK;
}

export async function newKey(kid: string, alg = 'RS256'): Promise<IssuerKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

type Answer = (req: http.IncomingMessage, res: http.ServerResponse, body: string) => void;

/** An issuer on this machine that says whatever a test wants. */
export interface TestIssuer {
  issuer: string;
  key: IssuerKey;
  /** What stands in its key set. */
  published: unknown[];
  /** By path: what is answered instead. */
  answers: Map<string, Answer>;
  /** The paths that were asked for. */
  asked: string[];
  /** What it sends to introspections. */
  introspection: Record<string, unknown>;
  close(): Promise<void>;
}

export async function startIssuer({ path = '' } = {}): Promise<TestIssuer> {
  const key = await newKey('first');
  const answers = new Map<string, Answer>();
  const asked: string[] = [];
  const server = http.createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk) => chunks.push(chunk));
    req.on('end', () => {
      asked.push(req.url ?? '');
      const answer = answers.get(req.url ?? '');
      if (answer) answer(req, res, Buffer.concat(chunks).toString());
      else res.writeHead(404).end();
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const it: TestIssuer = {
    ...{ issuer: origin + path, key, published: [key.jwk], answers, asked, introspection: { active: false } },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  const metadata = () => ({
    issuer: it.issuer,
    jwks_uri: `${origin}/jwks`,
    introspection_endpoint: `${origin}/introspect`,
  });
  answers.set(`${path}/.well-known/openid-configuration`, (_req, res) => void res.end(JSON.stringify(metadata())));
  answers.set('/jwks', (_req, res) => void res.end(JSON.stringify({ keys: it.published })));
  answers.set('/introspect', (_req, res) => void res.end(JSON.stringify(it.introspection)));
  return it;
}

export function seconds(from = 0): number {
  return Math.floor(Date.now() / 1000) + from;
}

/** An access token as RFC 9068 wants it, but for what a test changes; undefined takes a claim away. */
export function accessToken(
  { issuer, key }: Pick<TestIssuer, 'issuer' | 'key'>,
  claims: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
): Promise<string> {
  const payload = {
    ...{ iss: issuer, aud: AUDIENCE, sub: 'acc_1', client_id: 'web', jti: 'jti_1', iat: seconds(), exp: seconds(300) },
    ...{ scope: 'posts:read posts:write', roles: ['editor'], acr: 'two', amr: ['pwd', 'otp'], auth_time: seconds(-60) },
    ...claims,
  };
  return new SignJWT(payload)
    .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'at+jwt', ...header })
    .sign(key.privateKey);
}
