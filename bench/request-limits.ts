// What the limits of requests cost a client-credentials token. Usage: node bench/request-limits.ts [requests]
import { performance } from 'node:perf_hooks';
import { basic, post } from '../test/support/endpoint.ts';
import { startTestServer } from '../test/support/server.ts';

const count = Number(process.argv[2] ?? 2000);
const server = await startTestServer({ LIMIT_CLIENT_REQUESTS: '10000000' });
try {
  await server.addClient('resource', { audience: 'https://api.example.org', scopes: ['read'] });
  const client = await server.addClient('service', { audiences: ['https://api.example.org'], scopes: ['read'] });
  const once = () => post(server, '/oauth2/token', { grant_type: 'client_credentials', scope: 'read' }, basic(client));
  for (let warm = 0; warm < 300; warm += 1) await once();
  const startedAt = performance.now();
  for (let asked = 0; asked < count; asked += 1) if ((await once()).status !== 200) throw new Error('refused');
  const each = (performance.now() - startedAt) / count;
  process.stdout.write(`client credentials, one after the other: ${each.toFixed(3)} ms each\n`);
} finally {
  await server[Symbol.asyncDispose]();
}
