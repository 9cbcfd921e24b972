import { startMicroservice } from './server.ts';

const {
  ISSUER = 'http://localhost:3000',
  AUDIENCE = '',
  PORT = '4003',
  ALLOWED_ORIGINS = '',
  CLOCK_TOLERANCE = '5',
  FRESH_FOR = '300',
} = process.env;

if (!AUDIENCE) {
  console.error('AUDIENCE is missing: the identifier that this API is registered with. See README.md.');
  process.exit(78);
}

const { url, close } = await startMicroservice({
  issuer: ISSUER,
  audience: AUDIENCE,
  port: Number(PORT),
  allowedOrigins: ALLOWED_ORIGINS.split(',')
    .map((origin) => origin.trim())
    .filter(Boolean),
  clockTolerance: Number(CLOCK_TOLERANCE),
  freshFor: Number(FRESH_FOR),
});
console.log(`microservice on ${url}, accepting tokens of ${ISSUER} for ${AUDIENCE}`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void close());
