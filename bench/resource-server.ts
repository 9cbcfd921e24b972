import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { createResourceServer } from 'gatewright-resource-server';
import { createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose';
import { createRandom, differenceOfMedians, medianOf, shuffled } from './timing/interval.ts';

/**
 * What an API pays for the kit beside bare signature checking: `verify` of a whole request, and `jwtVerify` of `jose` with
 * a local key set and the same demands, of the same token, one after the other in random order. The medians may differ by
 * a tenth. `npm run bench:resource-server [-- rounds seed]`
 */
const TRIES = Number(process.argv[2] ?? 20_000);
const SEED = Number(process.argv[3] ?? Math.floor(Math.random() * 2 ** 32));
const WARM_UP = 3_000;
const ALLOWED = 0.1;
const AUDIENCE = 'https://api.example';

const { privateKey, publicKey } = await generateKeyPair('RS256');
const keys = [{ ...(await exportJWK(publicKey)), kid: 'first', alg: 'RS256', use: 'sig' }];
const server = http.createServer((_req, res) => void res.end(JSON.stringify({ keys })));
await new Promise<void>((resolve) => {
  server.listen(0, '127.0.0.1', resolve);
});
const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

const claims = {
  ...{
    iss: issuer,
    aud: [AUDIENCE, `${issuer}/oauth2/userinfo`],
    sub: 'acc_k1x7Vb2mQ',
    client_id: 'cli_9sPq',
    jti: 'jti_1',
  },
  ...{ scope: 'openid posts:read posts:write posts:delete:own', roles: ['editor', 'author'] },
  ...{ acr: 'urn:gatewright:acr:two-factor', amr: ['pwd', 'otp', 'mfa'], auth_time: 1_790_000_000 },
};
const token = await new SignJWT(claims)
  .setProtectedHeader({ alg: 'RS256', kid: 'first', typ: 'at+jwt' })
  .setIssuedAt()
  .setExpirationTime('1 day')
  .sign(privateKey);

const api = createResourceServer({ issuer, audience: AUDIENCE, jwksUri: `${issuer}/jwks` });
const request = {
  method: 'GET',
  url: '/posts',
  headers: { authorization: [`Bearer ${token}`], host: ['api.example'] },
};
const local = createLocalJWKSet({ keys });
const demands = {
  ...{ issuer, audience: AUDIENCE, algorithms: ['RS256'], typ: 'at+jwt', clockTolerance: 5 },
  requiredClaims: ['exp', 'iat', 'sub', 'client_id', 'jti'],
};

const ways = [
  { name: 'jose jwtVerify', verify: () => jwtVerify(token, local, demands) as Promise<unknown>, times: [] as number[] },
  { name: 'kit verify', verify: () => api.verify(request) as Promise<unknown>, times: [] as number[] },
] as const;

const random = createRandom(SEED);
for (let count = 0; count < WARM_UP + TRIES; count += 1) {
  for (const { verify, times } of shuffled(ways, random)) {
    const startedAt = performance.now();
    await verify();
    if (count >= WARM_UP) times.push(performance.now() - startedAt);
  }
}
server.close();
server.closeAllConnections();

const [bare, kit] = ways.map(({ times }) => times) as [number[], number[]];
const { low, high } = differenceOfMedians(bare, kit, { random, rounds: 200 });
const share = (part: number) => `${((100 * part) / medianOf(bare)).toFixed(1)} %`;
const passed = high <= ALLOWED * medianOf(bare);
process.stdout.write(
  [
    `${TRIES} tries each, RS256 with 2048 bits, seed ${SEED}`,
    ...ways.map(({ name, times }) => `${name.padEnd(16)} ${(1_000 * medianOf(times)).toFixed(1).padStart(8)} µs`),
    `the kit takes ${share(medianOf(kit) - medianOf(bare))} more (95 %: ${share(low)} to ${share(high)})  ${passed ? 'passes' : 'TOO SLOW'}`,
    '',
  ].join('\n'),
);
process.exitCode = passed ? 0 : 1;
