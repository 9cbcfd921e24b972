import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { checkProxy } from '../../src/cli/doctor-proxy.ts';
import { checkRedis } from '../../src/cli/doctor-redis.ts';
import { checkServer } from '../../src/cli/doctor-server.ts';
import { checkTls } from '../../src/cli/doctor-tls.ts';
import { parseConfig } from '../../src/config/config.ts';
import { freePort } from '../support/free-port.ts';
import { startTestServer } from '../support/server.ts';
import { again, enter, visit } from '../support/visit.ts';

const DEPLOY = path.join(import.meta.dirname, '../../deploy');
const now = () => Date.now();
const has = (program: string) =>
  (process.env['PATH'] ?? '').split(':').some((each) => existsSync(`${each}/${program}`));

function scratch(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'gatewright-deploy-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs a program until the test ends. @returns when it has written what `ready` looks for */
async function run(program: string, args: string[], ready: RegExp, env: Record<string, string> = {}): Promise<void> {
  const child = spawn(program, args, { env: { PATH: process.env['PATH'] ?? '', ...env }, stdio: 'pipe' });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  await new Promise<void>((resolve, reject) => {
    let said = '';
    const hear = (text: string) => {
      said += text;
      if (ready.test(said)) resolve();
    };
    child.stdout.setEncoding('utf8').on('data', hear);
    child.stderr.setEncoding('utf8').on('data', hear);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${program} ended with ${code}: ${said}`)));
  });
}

describe.skipIf(!has('redis-server'))('redis.conf', () => {
  it('is what the doctor wants, and asks for its password', async () => {
    const folder = scratch();
    const [port, password] = [await freePort(), path.join(folder, 'redis_password')];
    writeFileSync(password, 'requirepass hunter2\n');
    const text = readFileSync(path.join(DEPLOY, 'redis.conf'), 'utf8')
      .replace('/run/secrets/redis_password', password)
      .replace('dir /data', `dir ${folder}`)
      .replace('bind * -::*', `bind 127.0.0.1 127.0.0.2\nport ${port}`);
    const file = path.join(folder, 'redis.conf');
    writeFileSync(file, text);
    await run('redis-server', [file], /Ready to accept connections/);

    const env = { DATABASE_URL: 'postgresql://127.0.0.1/none', REDIS_URL: `redis://:hunter2@127.0.0.2:${port}` };
    expect(await checkRedis(parseConfig(env), now)).toEqual([
      { check: 'redis', status: 'ok', message: expect.stringContaining('version') },
    ]);
    // The health check of compose.yaml.
    expect(execFileSync('redis-cli', ['-p', String(port), 'ping'], { encoding: 'utf8' })).toContain('NOAUTH');
  });
});

describe.skipIf(!has('caddy'))('the Caddyfile', () => {
  it('puts two instances behind one https address, and goes on with one of them', async () => {
    const folder = scratch();
    const port = await freePort();
    const env = { ISSUER: `https://localhost:${port}`, TRUSTED_PROXIES: '127.0.0.1' };
    await using site = await startTestServer(env, { engine: 'postgresql', instances: 2 });

    const upstreams = site.instances.map(({ url }) => new URL(url).host).join(' ');
    const text = readFileSync(path.join(DEPLOY, 'Caddyfile'), 'utf8')
      .replace('gatewright-1:3000 gatewright-2:3000', upstreams)
      .replace('health_interval 2s', 'health_interval 400ms');
    const file = path.join(folder, 'Caddyfile');
    // Nothing but that address is to be listened on, and no certificate authority installed on this machine.
    writeFileSync(file, `{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}\n${text}`);
    await run('caddy', ['run', '--config', file, '--adapter', 'caddyfile'], /serving initial configuration/, {
      ...{ GATEWRIGHT_HOST: `localhost:${port}`, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    });
    const before = tls.getCACertificates('default');
    onTestFinished(() => tls.setDefaultCACertificates(before));
    const root = path.join(folder, 'caddy/pki/authorities/local/root.crt');
    tls.setDefaultCACertificates([...before, readFileSync(root, 'utf8')]);

    const { addAccount, addClient, config } = site;
    const person = await visit({ issuer: config.issuer, addAccount, addClient });
    await enter(person);
    const [server, proxy] = await Promise.all([checkServer(config, now), checkProxy(config, now)]);
    expect(server).toEqual([{ check: 'server', status: 'ok', message: expect.any(String) }]);
    // This test is a neighbour of the proxy, at an address that is listed.
    expect(proxy.map(({ status }) => status)).toEqual([expect.stringMatching(/^(ok|note)$/)]);
    const [certificate] = await checkTls(config, now);
    // Caddy's own authority gives certificates of twelve hours.
    expect(certificate?.message).toMatch(/expires in 0 days/);

    // As at an upgrade, five times as fast: nobody notices, at no moment.
    let stopped = false;
    const stop = site.instances[1]?.stop({ delay: 1, timeout: 2 }).then((inTime) => {
      stopped = true;
      return inTime;
    });
    while (!stopped) await again(person, { prompt: 'none' });
    expect(await stop).toBe(true);
    for (let turn = 0; turn < 3; turn += 1) await again(person, { prompt: 'none' });
  });
});
