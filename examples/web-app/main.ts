import { readFileSync } from 'node:fs';
import { startWebApp, webAppAddresses } from './server.ts';

const { ISSUER = 'http://localhost:3000', CLIENT_ID = 'web-app', CLIENT_SECRET_FILE, PORT = '4001' } = process.env;
const { PUBLIC_URL, SCOPE, RESOURCE, API_URL } = process.env;
const clientSecret = CLIENT_SECRET_FILE
  ? readFileSync(CLIENT_SECRET_FILE, 'utf8').trim()
  : process.env['CLIENT_SECRET'];

if (!clientSecret) {
  console.error('CLIENT_SECRET or CLIENT_SECRET_FILE is missing: what "client create" printed. See README.md.');
  process.exit(78);
}

const { url, close } = await startWebApp({
  issuer: ISSUER,
  clientId: CLIENT_ID,
  clientSecret,
  port: Number(PORT),
  ...(PUBLIC_URL && { publicUrl: PUBLIC_URL }),
  ...(SCOPE && { scope: SCOPE }),
  ...(RESOURCE && { resource: RESOURCE }),
  ...(API_URL && { apiUrl: API_URL }),
});
console.log(`web app on ${url}, signing in at ${ISSUER} as client ${CLIENT_ID}`);
console.log('addresses to register:', webAppAddresses(url));

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void close());
