import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRemoteJWKSet, type JWTPayload, jwtVerify } from 'jose';

interface Answer {
  status: number;
  body?: string;
}

interface Request {
  clientId: string;
  contentType: string | undefined;
  accept: string | undefined;
  token: string;
}

/** Addresses for security events (RFC 8935), one for each client id: keep what they get. */
export async function startSecurityEventReceiver() {
  const requests: Request[] = [];
  const answers = new Map<string, Answer[]>();
  const server = http.createServer(async (req, res) => {
    const clientId = decodeURIComponent(req.url?.slice(1) ?? '');
    let token = '';
    for await (const chunk of req) token += chunk;
    const { 'content-type': contentType, accept } = req.headers;
    requests.push({ clientId, contentType, accept, token });
    const { status, body = '' } = answers.get(clientId)?.shift() ?? { status: 202 };
    res.writeHead(status, { connection: 'close', 'content-type': 'application/json' }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    uriOf: (clientId: string) => `http://127.0.0.1:${port}/${encodeURIComponent(clientId)}`,
    requests,
    sentTo: (clientId: string) => requests.filter((request) => request.clientId === clientId),
    /** What the next requests for a client are answered with; after them 202. */
    answerWith: (clientId: string, ...next: Answer[]) => void answers.set(clientId, next),
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

export type SecurityEventReceiver = Awaited<ReturnType<typeof startSecurityEventReceiver>>;

/** As an application would, by a library that we did not write. */
export async function verifySecurityEvent(issuer: string, clientId: string, token: string): Promise<JWTPayload> {
  const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', issuer));
  const { payload } = await jwtVerify(token, keys, {
    ...{ issuer, audience: clientId, typ: 'secevent+jwt', algorithms: ['RS256'] },
  });
  return payload;
}
