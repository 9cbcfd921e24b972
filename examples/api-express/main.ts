import { readFileSync } from 'node:fs';
import { startPostsApi } from './server.ts';

const { ISSUER = 'http://localhost:3000', AUDIENCE = '', PORT = '4004', FRESH_FOR = '300' } = process.env;
const { INTROSPECTION_CLIENT_ID: clientId, INTROSPECTION_CLIENT_SECRET_FILE: file } = process.env;
const clientSecret = file ? readFileSync(file, 'utf8').trim() : process.env['INTROSPECTION_CLIENT_SECRET'];

if (!AUDIENCE) {
  console.error('AUDIENCE is missing: the identifier that this API is registered with. See README.md.');
  process.exit(78);
}
if (Boolean(clientId) !== Boolean(clientSecret)) {
  console.error('INTROSPECTION_CLIENT_ID and INTROSPECTION_CLIENT_SECRET belong together. See README.md.');
  process.exit(78);
}

const { url, close } = await startPostsApi({
  ...{ issuer: ISSUER, audience: AUDIENCE, port: Number(PORT), freshFor: Number(FRESH_FOR) },
  // An answer is not kept, so that what was taken away is gone at the next request.
  ...(clientId && clientSecret && { introspection: { clientId, clientSecret, cacheFor: 0 } }),
});
console.log(`posts API on ${url}, accepting tokens of ${ISSUER} for ${AUDIENCE}`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void close());
