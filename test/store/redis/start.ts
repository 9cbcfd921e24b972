import net, { type AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Engine } from '../../../src/store/engine.ts';
import { openPostgresqlEngine } from '../../../src/store/postgresql/engine.ts';
import { withRedis } from '../../../src/store/redis/engine.ts';
import { checkRequirements } from '../../../src/store/redis/requirements.ts';
import { testClock } from '../../support/clock.ts';
import { newDatabase, REDIS_URL } from '../../support/databases.ts';
import { freePort } from '../../support/free-port.ts';
import { ownServer, rawClient } from './state.ts';

const PASSWORD = 'a-password-never-to-be-seen';

async function open(url: string): Promise<Engine> {
  const database = await newDatabase({ migrated: true });
  onTestFinished(database.drop);
  const engine = await openPostgresqlEngine({ url: database.url, poolSize: 2, clock: testClock() });
  try {
    const opened = await withRedis(engine, { url, prefix: 'start:' });
    let closing: Promise<void> | undefined;
    const close = () => (closing ??= opened.close());
    onTestFinished(close);
    return { ...opened, close };
  } catch (err) {
    await engine.close();
    throw err;
  }
}

async function refused(url: string): Promise<string> {
  const err = await open(url)
    .then(() => null)
    .catch((err: Error) => err);
  expect(err).toMatchObject({ name: 'OperatorProblem' });
  expect(JSON.stringify([err?.message, err?.stack, String(err?.cause)])).not.toContain(PASSWORD);
  return String(err?.message);
}

function withPassword(url: string, password = PASSWORD): string {
  const to = new URL(url);
  to.password = password;
  return to.href;
}

describe('a start with Redis', () => {
  it('is ready while both answer', async () => {
    const server = await ownServer();
    const engine = await open(server.url);
    await engine.check();
    await server.stop();
    await expect(engine.check()).rejects.toThrow('Redis is away');
    await engine.close();
    await expect(engine.database.prisma.installation.count()).rejects.toThrow();
  });

  it('is ready only while the database answers', async () => {
    const engine = await open(String(REDIS_URL));
    await engine.database.prisma.$executeRawUnsafe('DROP TABLE "Installation"');
    await expect(engine.check()).rejects.toThrow('Installation');
  });

  it.each(['allkeys-lru', 'volatile-ttl'])('is refused by the maxmemory-policy %s', async (policy) => {
    const server = await ownServer({ 'maxmemory-policy': policy });
    expect(await refused(server.url)).toBe(
      `The Redis ${server.url} has the maxmemory-policy ${policy}; set it to noeviction (CONFIG SET, and its file).`,
    );
    const raw = await rawClient(server.url);
    await vi.waitFor(async () => expect(await raw.info('clients')).toContain('connected_clients:1\r'));
  });

  it('is refused where nobody listens, by strangers, and by a server that never answers', async () => {
    const port = await freePort();
    expect(await refused(`redis://127.0.0.1:${port}/0`)).toMatch(
      /^The Redis redis:\/\/127\.0\.0\.1:\d+\/0 refuses connections; start Redis there/,
    );
    const strangers = [
      ['redis:', (socket: net.Socket) => socket.end(), /closes connections at once; if it wants TLS, begin REDIS_URL/],
      ['redis:', (socket: net.Socket) => socket.resume(), /does not answer; check the host and port in REDIS_URL/],
      ['rediss:', (socket: net.Socket) => socket.end('-ERR no TLS\r\n'), /speaks no TLS; begin REDIS_URL with redis:/],
    ] as const;
    for (const [protocol, greet, sentence] of strangers) {
      const server = net.createServer((socket) => greet(socket.on('error', () => {})));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      onTestFinished(() => void server.close());
      const { port } = server.address() as AddressInfo;
      expect(await refused(withPassword(`${protocol}//127.0.0.1:${port}/0`))).toMatch(sentence);
    }
  });

  it('says what is wrong with the password', async () => {
    const { url } = await ownServer({ requirepass: PASSWORD });
    const open = await ownServer();
    expect(await refused(url)).toMatch(/wants a password; write REDIS_URL as/);
    expect(await refused(withPassword(url, 'wrong'))).toMatch(/refuses the user or the password of REDIS_URL/);
    expect(await refused(withPassword(open.url))).toMatch(/has no password; take it out of REDIS_URL/);
  });

  it('is accepted with the right password, and with a user who may do no more than is needed', async () => {
    const { url } = await ownServer({ requirepass: PASSWORD });
    await (await open(withPassword(url))).check();

    const admin = await rawClient(withPassword(url));
    const commands = 'EVAL EVALSHA HMGET HSET HSETNX EXISTS PEXPIRE DEL PING INFO'.split(' ');
    await admin.aclSetUser('gatewright', [
      ...['reset', 'on', `>${PASSWORD}`, '~start:*'],
      ...commands.map((command) => `+${command}`),
    ]);
    const limited = new URL(withPassword(url));
    limited.username = 'gatewright';
    const engine = await open(limited.href);
    await engine.check();
    const row = { sealed: Buffer.from('sealed'), expiresAt: 2_000 };
    expect(await engine.progressRows.insert('hash', row, 1_000)).toBe(true);
    expect(await engine.progressRows.load('hash', 1_000)).toEqual({ version: 1, sealed: row.sealed });

    await admin.aclSetUser('gatewright', '-INFO');
    expect(await refused(limited.href)).toMatch(/does not let this user do what is needed; allow .* EVALSHA/);
  });

  it('is refused by a cluster, and by a number of a database that is not there', async () => {
    // By itself the port of the cluster's bus is one of those that outgoing connections are given.
    const cluster = await ownServer({ 'cluster-enabled': 'yes', 'cluster-port': String(await freePort()) });
    expect(await refused(cluster.url)).toMatch(/is a cluster; set REDIS_URL to a single Redis/);
    const plain = await ownServer();
    expect(await refused(plain.url.replace(/0$/, '99'))).toMatch(/has no database of that number; use the path \/0/);
  });

  it('is refused by a replica', async () => {
    const server = await ownServer();
    await (await rawClient(server.url)).replicaOf('127.0.0.1', 1);
    expect(await refused(server.url)).toMatch(/is a replica; set REDIS_URL to the primary server/);
  });
});

describe('what INFO says', () => {
  const info = (facts: Record<string, string>) =>
    Object.entries({ redis_version: '7.0.15', maxmemory_policy: 'noeviction', role: 'master', ...facts })
      .map(([name, value]) => `${name}:${value}`)
      .join('\r\n');

  it.each(['6.2.0', '7.0.15', '8.2.1', '10.0.0'])('of version %s is enough', (redis_version) => {
    expect(() => checkRequirements(info({ redis_version }), 'here')).not.toThrow();
  });

  it.each(['6.0.16', '5.0.14', '3.2', 'unstable'])('of version %s is not', (redis_version) => {
    const sentence = `The Redis here is ${redis_version}; use Redis 6.2 or newer, or Valkey.`;
    expect(() => checkRequirements(info({ redis_version }), 'here')).toThrow(sentence);
  });

  it('has to tell the policy', () => {
    expect(() => checkRequirements('redis_version:7.0.15', 'here')).toThrow('maxmemory-policy (not shown by INFO)');
  });
});
