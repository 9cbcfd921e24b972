import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { openStores } from '../../src/store/open.ts';
import { createUserAgent, textOf } from '../support/user-agent.ts';
import { type Installation, installation, start } from './program.ts';

vi.setConfig({ testTimeout: 60_000 });
const SOON = { timeout: 10_000, interval: 10 };

const SENTENCE = /^gatewright: [^\n]+\n$/;

async function health(issuer: string): Promise<number> {
  return (await fetch(`${issuer}/health/ready`, { headers: { connection: 'close' } })).status;
}

/** A start that is to fail. */
async function refusal(made: Installation, env: Record<string, string> = {}) {
  const program = start({ ...made, env: { ...made.env, ...env } });
  const { status } = await program.ended();
  return { status, ...program.output };
}

async function keySet(issuer: string): Promise<string> {
  return (await fetch(`${issuer}/.well-known/jwks.json`, { headers: { connection: 'close' } })).text();
}

describe('the program', () => {
  it('starts clean from any folder, stops when told to, and finds everything again', async () => {
    const made = await installation();
    const first = start(made, { cwd: '/' });
    const [line] = await first.ready();
    expect(line).toMatchObject({ level: 30, issuer: made.issuer, msg: 'Gatewright is ready' });
    expect(await health(made.issuer)).toBe(200);
    const keys = await keySet(made.issuer);
    for (const folder of ['data', 'keys']) {
      expect(statSync(path.join(made.folder, folder)).mode & 0o777).toBe(0o700);
      for (const name of readdirSync(path.join(made.folder, folder))) {
        expect([name, statSync(path.join(made.folder, folder, name)).mode & 0o777]).toEqual([name, 0o600]);
      }
    }
    await expect.poll(() => existsSync(path.join(made.folder, 'data/setup-link')), SOON).toBe(true);
    const link = readFileSync(path.join(made.folder, 'data/setup-link'), 'utf8').trim();
    const page = await createUserAgent(made.issuer).follow(link);
    expect(textOf(page.html)).toContain('Create the administrator');

    first.child.kill('SIGTERM');
    const { status, took } = await first.ended();
    expect([status, took < 2_000]).toEqual([0, true]);
    expect(first.output.err).toBe('');
    expect(first.output.out).not.toContain(link.split('/').at(-1));
    // Nothing but our own lines: no notice of a library, no warning of Node.
    const messages = first.output.out
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text) as { level: number; msg: string });
    expect(messages.filter(({ level }) => level > 30)).toEqual([]);
    // Whether the audit trail was sealed before the stop is a matter of half a second.
    const said = new Set(messages.map(({ msg }) => msg).filter((msg) => msg !== 'audit trail sealed'));
    expect([...said].sort()).toEqual([
      ...['Gatewright is ready', 'request', 'stopping'],
      'there is no administrator yet: open the address in this file within the hour',
    ]);
    expect(
      readdirSync(path.join(made.folder, 'data')).filter(
        (name) => /wal$/.test(name) && statSync(path.join(made.folder, 'data', name)).size > 0,
      ),
    ).toEqual([]);

    const second = start(made);
    await second.ready();
    expect(await keySet(made.issuer)).toBe(keys);
    second.child.kill('SIGINT');
    expect((await second.ended()).status).toBe(0);
    expect(second.output.err).toBe('');
  });

  it('loses nothing when it is killed, and the next start works', async () => {
    const made = await installation();
    const first = start(made);
    await first.ready();
    await expect.poll(() => existsSync(path.join(made.folder, 'data/setup-link')), SOON).toBe(true);
    const keys = await keySet(made.issuer);
    const agent = createUserAgent(made.issuer);
    const before = await agent.follow(readFileSync(path.join(made.folder, 'data/setup-link'), 'utf8').trim());
    const enrolment = await agent.submit(before, { email: 'root@example.org', password: 'quiet otter ladder' });
    first.child.kill('SIGKILL');
    expect((await first.ended()).status).toBe('SIGKILL');

    const second = start(made);
    await second.ready();
    expect(await keySet(made.issuer)).toBe(keys);
    await expect.poll(() => health(made.issuer), SOON).toBe(200);
    // The start made a new link, so that the one in that browser has ended.
    await expect.poll(async () => (await agent.follow('/setup')).status, SOON).toBe(410);
    expect(textOf(enrolment.html)).toContain('Add your authenticator app');
    second.child.kill('SIGTERM');
    expect((await second.ended()).status).toBe(0);
    expect(second.output.err).toBe('');
  });

  it('finishes what it was asked before it stops, and waits for no idle connection', async () => {
    const made = await installation();
    const program = start(made);
    await program.ready();
    const port = Number(new URL(made.issuer).port);
    const host = new URL(made.issuer).host;
    const idle = net.connect(port, '127.0.0.1').on('error', () => undefined);
    const busy = net.connect(port, '127.0.0.1').on('error', () => undefined);
    let answer = '';
    busy.on('data', (chunk) => {
      answer += String(chunk);
    });
    await fetch(`${made.issuer}/health/live`);
    const body = 'grant_type=client_credentials';
    busy.write(
      `POST /oauth2/token HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 9)}`,
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    program.child.kill('SIGTERM');
    await expect.poll(() => program.output.out, SOON).toContain('stopping');
    busy.write(body.slice(9));
    const { status, took } = await program.ended();
    expect(answer).toMatch(/^HTTP\/1\.1 400 [\s\S]*invalid_request/);
    expect([status, took < 2_000]).toEqual([0, true]);
    idle.destroy();
    busy.destroy();
  });

  it('prints nothing of connections that break off', async () => {
    const made = await installation();
    const program = start(made);
    await program.ready();
    for (const target of ['/oauth2/token', '/oauth2/introspect', '/oauth2/authorize', '/setup/account']) {
      const socket = net.connect(Number(new URL(made.issuer).port), '127.0.0.1').on('error', () => undefined);
      socket.write(
        `POST ${target} HTTP/1.1\r\nHost: ${new URL(made.issuer).host}\r\nCookie: gatewright-setup=x.y\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 99\r\n\r\nabc`,
      );
      await new Promise((resolve) => setTimeout(resolve, 50));
      socket.resetAndDestroy();
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await health(made.issuer)).toBe(200);
    program.child.kill('SIGTERM');
    expect((await program.ended()).status).toBe(0);
    expect(program.output.err).toBe('');
    expect(program.output.out).not.toMatch(/(request|response) failed/);
  });
});

describe('a start that should not be', () => {
  it('warns of proxies as wide as the internet', async () => {
    const made = await installation();
    const program = start({ ...made, env: { ...made.env, TRUSTED_PROXIES: '10.0.0.1,0.0.0.0/0' } });
    await program.ready();
    program.child.kill('SIGTERM');
    await program.ended();
    const warnings = program.output.out.split('\n').filter((line) => line.includes('"level":40'));
    expect(warnings).toEqual([expect.stringContaining('"entry":"0.0.0.0/0"')]);
    expect(warnings[0]).toContain('list the proxies alone');
  });
});

describe('a start that cannot be', () => {
  it('lists every problem of the configuration, and asks not to be tried again', async () => {
    const made = await installation();
    const { status, out, err } = await refusal(made, {
      ...{ ISSUER: 'http://id.example.org/path', PORT: '99999', SECOND_FACTOR: 'maybe', TRUSTED_PROXIES: 'x' },
      ...{ LIMIT_PASSWORDS: '0', ARGON2_MEMORY_KIB: '1', ALLOWED_PRIVATE_NETWORKS: '10.0.0.0', LOG_LEVEL: 'loud' },
      ...{ SESSION_IDLE: '1209600', SESSION_LIFETIME: '60' },
    });
    expect([status, out]).toEqual([78, '']);
    for (const name of [
      ...['ISSUER must be https', 'ISSUER must be scheme and host', 'PORT', 'SECOND_FACTOR', 'TRUSTED_PROXIES'],
      ...['LIMIT_PASSWORDS', 'ARGON2_MEMORY_KIB', 'ALLOWED_PRIVATE_NETWORKS', 'LOG_LEVEL', 'SESSION_IDLE is longer'],
    ]) {
      expect(err).toMatch(new RegExp(`^ {2}- ${name}`, 'm'));
    }
    expect(err).not.toMatch(/\bat .*:\d+/);
    expect(existsSync(path.join(made.folder, 'data'))).toBe(false);
  });

  it('says which port is in use', async () => {
    const made = await installation();
    const other = net.createServer().listen(Number(made.env['PORT']), '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { status, out, err } = await refusal(made);
    other.close();
    expect([status, out, err]).toEqual([
      1,
      '',
      `gatewright: port ${made.env['PORT']} is in use: stop what uses it, or set PORT (and ISSUER) to another\n`,
    ]);
  });

  it.each([
    ['an address of another machine', { HOST: '192.0.2.1' }, 'HOST'],
    ['a name that nobody knows', { HOST: 'no-such-host.invalid' }, 'HOST'],
    ['a folder of pages that is not there', { VIEWS_DIR: '/no/such/folder' }, 'VIEWS_DIR'],
  ])('says what to do about %s', async (_name, env, variable) => {
    const { status, out, err } = await refusal(await installation(), env);
    expect([status, out]).toEqual([1, '']);
    expect(err).toMatch(SENTENCE);
    expect(err).toContain(variable);
  });

  it('says what to do where the data folder cannot be written, nor the keys', async () => {
    const made = await installation();
    const file = path.join(made.folder, 'file');
    writeFileSync(file, '');
    for (const env of [
      { DATA_DIR: file },
      { DATA_DIR: path.join(file, 'data') },
      { KEYS_DIR: file },
      { KEYS_DIR: path.join(file, 'keys') },
    ]) {
      const { status, out, err } = await refusal(made, env as unknown as Record<string, string>);
      expect([status, out]).toEqual([1, '']);
      expect(err).toMatch(SENTENCE);
      expect(err).toContain(Object.values(env)[0]);
    }
  });

  it('says what to do with a keyring that is damaged, gone or of another installation, and with another issuer', async () => {
    const made = await installation();
    const stores = await openStores({
      issuer: made.issuer,
      folders: { data: made.env['DATA_DIR'] as string, keys: made.env['KEYS_DIR'] as string },
      database: { url: null, pool: 2 },
      redis: null,
      longestLifetime: 60,
      clock: Date.now,
    });
    await stores.audit.write({ event: 'setup_link.made' }, BY_OPERATOR);
    await stores.close();

    const keyring = path.join(made.folder, 'keys/keyring.json');
    const whole = readFileSync(keyring, 'utf8');
    const foreign = await installation();
    const other = start(foreign);
    await other.ready();
    other.child.kill('SIGKILL');
    const keyringIs = (text: string) => {
      writeFileSync(keyring, text);
      return {};
    };
    const cases: [string, () => Record<string, string>, RegExp][] = [
      ['cut off', () => keyringIs(whole.slice(0, 60)), /is damaged: put it back from its backup/],
      ['empty', () => keyringIs(''), /is damaged/],
      [
        'not there',
        () => ({ KEYS_DIR: path.join(made.folder, 'no-keys') }),
        /is missing although the database holds data/,
      ],
      ['foreign', () => ({ KEYS_DIR: foreign.env['KEYS_DIR'] as string }), /keyring/],
      [
        'of another issuer',
        () => ({ ...keyringIs(whole), ISSUER: 'http://localhost:1234' }),
        /belongs to the issuer .* but ISSUER is/,
      ],
    ];
    for (const [name, change, sentence] of cases) {
      const { status, out, err } = await refusal(made, change());
      expect([name, status, out]).toEqual([name, 1, '']);
      expect(err).toMatch(SENTENCE);
      expect(err).toMatch(sentence);
    }
    // None of that has changed anything.
    const after = start(made);
    await after.ready();
    expect(readFileSync(keyring, 'utf8')).toBe(whole);
    expect(existsSync(path.join(made.folder, 'no-keys'))).toBe(false);
  });

  it('says what to do with a database that is none', async () => {
    const made = await installation();
    mkdirSync(path.join(made.folder, 'data'));
    writeFileSync(path.join(made.folder, 'data/gatewright.db'), 'no database at all, '.repeat(50));
    cpSync(path.join(made.folder, 'data/gatewright.db'), path.join(made.folder, 'copy.db'));
    const keys = start(await installation({ KEYS_DIR: path.join(made.folder, 'keys') }));
    await keys.ready();
    keys.child.kill('SIGKILL');
    const { status, err } = await refusal(made);
    expect([status, err]).toEqual([1, expect.stringMatching(SENTENCE)]);
    expect(readFileSync(path.join(made.folder, 'data/gatewright.db'))).toEqual(
      readFileSync(path.join(made.folder, 'copy.db')),
    );
  });
});
