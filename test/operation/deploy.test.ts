import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseConfig } from '../../src/config/config.ts';
import { startTlsServer } from '../support/mutual-tls.ts';
import { startTestServer } from '../support/server.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const DEPLOY = path.join(ROOT, 'deploy');
const dockerfile = readFileSync(path.join(ROOT, 'Dockerfile'), 'utf8');
const stage = dockerfile.slice(dockerfile.lastIndexOf('FROM '));
const caddyfile = readFileSync(path.join(DEPLOY, 'Caddyfile'), 'utf8');

interface Service {
  image: string;
  user?: string;
  environment?: Record<string, string | number>;
  secrets?: string[];
  volumes?: string[];
  ports?: string[];
  networks: string[] | Record<string, { ipv4_address?: string }>;
  restart?: string;
  read_only?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
  stop_grace_period?: string;
  healthcheck?: { test: string[] };
}

const compose = parse(readFileSync(path.join(DEPLOY, 'compose.yaml'), 'utf8'), { merge: true }) as {
  services: Record<string, Service>;
  networks: Record<string, { internal?: boolean; ipam?: { config: { subnet: string }[] } }>;
  volumes: Record<string, null>;
  secrets: Record<string, { file: string }>;
};
const { proxy, postgresql, redis, ...instances } = compose.services as Record<
  'proxy' | 'postgresql' | 'redis',
  Service
>;

const networksOf = ({ networks }: Service) => (Array.isArray(networks) ? networks : Object.keys(networks));
const seconds = (text: string | undefined) => Number(/^(\d+)s$/.exec(text ?? '')?.[1]);

/** What the guide's own commands make, in a copy of the folder. */
let made: string;
const secret = (name: string) => readFileSync(path.join(made, compose.secrets[name]?.file ?? name), 'utf8');
beforeAll(() => {
  made = mkdtempSync(path.join(tmpdir(), 'gatewright-deploy-'));
  cpSync(DEPLOY, made, { recursive: true, filter: (from) => !/secrets|\.env$/.test(path.relative(DEPLOY, from)) });
  const [, commands = ''] = /```sh\n([\s\S]*?)```/.exec(readFileSync(path.join(DEPLOY, 'README.md'), 'utf8')) ?? [];
  execFileSync('sh', ['-eu', '-c', commands], { cwd: made, stdio: 'pipe' });
});
afterAll(() => rmSync(made, { recursive: true, force: true }));

/** The environment of an instance, with its secrets where the commands put them. */
function environment(service: Service): Record<string, string> {
  const [, host = ''] = /^GATEWRIGHT_HOST=(.*)$/m.exec(readFileSync(path.join(made, '.env'), 'utf8')) ?? [];
  const given = Object.entries(service.environment ?? {}).map(([name, value]) => [
    name,
    String(value)
      .replace(/\$\{GATEWRIGHT_HOST:\?[^}]*\}/, host)
      .replace(/\$\{\w+:-([^}]*)\}/, '$1')
      .replace(/^\/run\/secrets\/(\w+)$/, (_all, name: string) => path.join(made, compose.secrets[name]?.file ?? '')),
  ]);
  return Object.fromEntries(given);
}

describe('compose.yaml', () => {
  it('has two instances that are configured alike, by variables that exist', () => {
    const source = globSync(path.join(ROOT, 'src/config/*.ts'))
      .map((file) => readFileSync(file, 'utf8'))
      .join();
    const known = [...source.matchAll(/read\.(\w+)\(\s*'([A-Z0-9_]+)'/g)].flatMap(([, how, name]) =>
      how === 'secret' ? [name, `${name}_FILE`] : [name],
    );
    const [first, second, ...more] = Object.values(instances) as [Service, Service];
    expect(more).toEqual([]);
    expect(second).toEqual(first);
    expect(known).toEqual(expect.arrayContaining(Object.keys(first.environment ?? {})));
  });

  it('makes a configuration that is complete, and fits the services beside it', () => {
    const [instance] = Object.values(instances) as [Service];
    const config = parseConfig(environment(instance));
    expect(config.issuer).toBe('https://id.example.org');
    const front = (proxy.networks as Record<string, { ipv4_address?: string }>)['front'];
    expect(config.trustedProxies).toEqual([front?.ipv4_address]);
    expect(compose.networks['front']?.ipam?.config[0]?.subnet).toBe('172.30.10.0/24');

    const database = new URL(config.database.url ?? '');
    expect([database.hostname, database.username, database.pathname, database.password]).toEqual([
      'postgresql',
      postgresql.environment?.['POSTGRES_USER'],
      `/${postgresql.environment?.['POSTGRES_DB']}`,
      secret('database_password'),
    ]);
    const { hostname, password } = new URL(config.redis?.url ?? '');
    expect([hostname, `requirepass ${password}\n`]).toEqual(['redis', secret('redis_password')]);
    expect(password).toMatch(/^[0-9a-f]{48}$/);
    expect(password).not.toBe(database.password);
  });

  it('stops an instance after the proxy has seen that it is not ready, and before it is killed', () => {
    const [instance] = Object.values(instances) as [Service];
    const { stop } = parseConfig(environment(instance));
    expect(stop.delay).toBeGreaterThan(2 * seconds(/health_interval (\w+)/.exec(caddyfile)?.[1]));
    expect(seconds(instance.stop_grace_period)).toBeGreaterThan(stop.delay + stop.timeout);
  });

  it.each(Object.entries(compose.services))('%s may do no more than it must', (name, service) => {
    expect(service).toMatchObject({ restart: 'unless-stopped', read_only: true, cap_drop: ['ALL'] });
    expect(service.security_opt).toEqual(['no-new-privileges:true']);
    expect(service.ports !== undefined).toBe(name === 'proxy');
    expect(JSON.stringify(service.environment ?? {})).not.toMatch(/PASSWORD":|_URL":/);
    for (const used of service.secrets ?? []) expect(compose.secrets).toHaveProperty(used);
    for (const volume of service.volumes ?? []) {
      const [source = ''] = volume.split(':');
      if (source.startsWith('.')) expect(existsSync(path.join(DEPLOY, source))).toBe(true);
      else expect(compose.volumes).toHaveProperty(source);
    }
  });

  it('keeps the databases where nothing but the instances gets at them', () => {
    expect([postgresql, redis].map(networksOf)).toEqual([['back'], ['back']]);
    expect(compose.networks['back']?.internal).toBe(true);
    expect(networksOf(proxy)).toEqual(['front']);
    expect([postgresql.user, redis.user]).toEqual(['postgres', 'redis']);
  });

  it('and the proxy agree with the image on folders and port', () => {
    const [instance] = Object.values(instances) as [Service];
    const env = Object.fromEntries([...stage.matchAll(/(\w+)=(\S+)/g)].map(([, name, value]) => [name, value]));
    const config = parseConfig({ ...env, ...environment(instance) });
    const port = Number(/^EXPOSE (\d+)$/m.exec(stage)?.[1]);
    expect(config.listen).toEqual({ host: '0.0.0.0', port });
    expect(Object.keys(instances).map((name) => `${name}:${port}`)).toEqual(
      /reverse_proxy (.*) \{/.exec(caddyfile)?.[1]?.split(' '),
    );
    expect(instance.volumes).toEqual([`keys:${config.folders.keys}`]);
    expect(JSON.parse(/^VOLUME (.*)$/m.exec(stage)?.[1] ?? '')).toEqual([config.folders.data, config.folders.keys]);
  });
});

describe('the Dockerfile', () => {
  it('copies what is there, among it both clients and all migrations', () => {
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, names = '']) =>
      names.split(' '),
    );
    for (const name of copied) expect([name, existsSync(path.join(ROOT, name))]).toEqual([name, true]);
    expect(copied).toEqual(expect.arrayContaining(['src', 'views', 'prisma/migrations']));
    expect(stage).toContain('COPY --from=build /app/src/generated ./src/generated');
    const ignored = readFileSync(path.join(ROOT, '.dockerignore'), 'utf8').split('\n');
    expect(ignored).toEqual(expect.arrayContaining(['.env', 'data', 'keys/*', 'deploy', 'src/generated']));
  });

  it('runs the program itself, not through a shell, without root, and stops it by a signal that it heeds', () => {
    expect(stage).toMatch(/^USER node$/m);
    expect(stage).toMatch(/^STOPSIGNAL SIGTERM$/m);
    expect(JSON.parse(/^CMD (\[.*\])$/m.exec(stage)?.[1] ?? 'null')).toEqual(['node', 'src/main.ts']);
    // What a volume is made from hands on its owner and mode.
    expect(stage).toMatch(/install -d -m 700 -o node -g node \/data \/keys/);
  });

  it('knows whether the server is well', async () => {
    const [program = '', ...args] = JSON.parse(/HEALTHCHECK[\s\S]*?CMD (\[.*\])/.exec(stage)?.[1] ?? '[]') as string[];
    expect(program).toBe('node');
    const check = (port: number, env: Record<string, string> = {}) =>
      new Promise((resolve, reject) => {
        const child = spawn(process.execPath, args, { env: { PORT: String(port), ...env }, stdio: 'ignore' });
        child.once('error', reject);
        child.once('exit', resolve);
      });
    const server = await startTestServer({}, { engine: 'sqlite' });
    const port = Number(new URL(server.url).port);
    expect(await check(port)).toBe(0);
    await server[Symbol.asyncDispose]();
    expect(await check(port)).toBe(1);

    // By itself, it speaks TLS with a certificate for another name than the one that is called here.
    await using own = await startTlsServer();
    const TLS_CERT_FILE = own.certFile;
    expect(await check(Number(new URL(own.url).port), { TLS_CERT_FILE })).toBe(0);
    expect(await check(port, { TLS_CERT_FILE })).toBe(1);
  });
});
