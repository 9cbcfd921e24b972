import { singlePageAppAddresses, startSinglePageApp } from './server.ts';

const { ISSUER = 'http://localhost:3000', CLIENT_ID = 'single-page-app', PORT = '4002' } = process.env;
const { SCOPE, RESOURCE, API_URL } = process.env;

const { url, close } = await startSinglePageApp({
  issuer: ISSUER,
  clientId: CLIENT_ID,
  port: Number(PORT),
  ...(SCOPE && { scope: SCOPE }),
  ...(RESOURCE && { resource: RESOURCE }),
  ...(API_URL && { apiUrl: API_URL }),
});
console.log(`single-page app on ${url}, signing in at ${ISSUER} as client ${CLIENT_ID}`);
console.log('addresses to register:', singlePageAppAddresses(url));

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void close());
