import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { Header } from 'tar';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { newKey, readKeyringFile } from '../../src/lib/keyring-file.ts';
import { changeKeyringFile } from '../../src/lib/keyring-writing.ts';
import { needlesOf, recordSecrets } from '../attacks/wire.ts';
import { PASSWORD, startTestServer, type TestServer } from '../support/server.ts';
import { createUserAgent } from '../support/user-agent.ts';
import { again, ask, enter, stepOf, visit } from '../support/visit.ts';
import { changed, type Entry, entriesOf, forged, linked, namesIn, renamed, withEntries } from './archive-entries.ts';
import { installation, type Outcome } from './gatewright.ts';
import { copyOf, leftIn, operatorOf, type People, populate, startElsewhere } from './moved.ts';

const PASSPHRASE = 'a passphrase that nobody guesses';

let server: TestServer;
let gatewright: ReturnType<typeof operatorOf>;
let people: People;
let folder: string;
let backup: string;
let outcome: Outcome;
let secrets: ReturnType<typeof recordSecrets>;
let underLoad = 0;
const scratched: string[] = [];

beforeAll(async () => {
  server = await startTestServer({}, { engine: 'sqlite' });
  gatewright = operatorOf(server);
  folder = newFolder();
  backup = path.join(folder, 'all.tar.gz');
  secrets = recordSecrets();
  people = await populate(server);
  secrets.add('password', PASSWORD);
  secrets.add('TOTP seed', people.ada.seed);
  secrets.add('recovery code', ...people.ada.codes);
  secrets.add('client secret', people.ada.client.secret);
  const made = gatewright(['backup', backup]);
  let isMade = false;
  void made.finally(() => {
    isMade = true;
  });
  while (!isMade) {
    await enter(await visit(server));
    underLoad += 1;
  }
  outcome = await made;
  secrets.stop();
}, 120_000);

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  for (const each of scratched) rmSync(each, { recursive: true, force: true });
});

function newFolder(): string {
  const made = mkdtempSync(path.join(tmpdir(), 'gatewright-backup-'));
  scratched.push(made);
  return made;
}

/** Another machine, with nothing but the backup and a copy of the keyring. */
function elsewhere({ keys = server.config.folders.keys } = {}) {
  const root = newFolder();
  const data = path.join(root, 'data');
  const env = { DATA_DIR: data, KEYS_DIR: keys, PORT: '9' };
  const restore = (...args: string[]) => gatewright(['restore', ...args, '--yes'], env);
  return { root, data, keys, env, restore };
}

async function restoredServer(...args: string[]) {
  const place = elsewhere();
  const restored = await place.restore(backup, ...args);
  expect([restored.status, restored.stderr]).toEqual([0, expect.any(String)]);
  await server.close();
  const there = await startElsewhere(server, { folders: { ...server.config.folders, data: place.data } });
  onTestFinished(async () => {
    await there.close();
    await server.restart();
  });
  return restored;
}

describe('backup', () => {
  it('is made while people sign in, for this user only, and leaves nothing else behind', () => {
    expect([outcome.status, outcome.stderr]).toEqual([0, expect.stringContaining('Backing up: 100 %\n')]);
    expect(outcome.stdout).toMatch(/^Backed up http:\S+ to \S+all\.tar\.gz \(\d+ bytes\)\.\nThe keyring is not in it/);
    expect(underLoad).toBeGreaterThan(0);
    expect(readdirSync(folder)).toEqual(['all.tar.gz']);
    expect(statSync(backup).mode & 0o777).toBe(0o600);
  });

  it('holds three parts, and none of the secrets that were on the wire', () => {
    const content = gunzipSync(readFileSync(backup));
    expect(namesIn(content)).toEqual(['manifest.json', 'state.db', 'gatewright.db']);
    for (const { bytes } of entriesOf(content)) expect((new Header(bytes, 0).mode ?? 0) & 0o777).toBe(0o600);
    const keyring = JSON.parse(readFileSync(path.join(server.config.folders.keys, 'keyring.json'), 'utf8'));
    secrets.add('key', ...keyring.keys.map(({ secret }: { secret: string }) => secret));
    const found = (kind: string, secret: string, within: Buffer) =>
      needlesOf(kind, secret).some((needle) => within.includes(needle));
    for (const [kind, values] of secrets.secrets) {
      for (const secret of values) expect([kind, secret, found(kind, secret, content)]).toEqual([kind, secret, false]);
    }
    expect([...secrets.secrets.keys()]).toEqual(
      expect.arrayContaining(['cookie', 'refresh token', 'access token', 'key']),
    );
    const email = Buffer.from(people.ada.account.email);
    expect(found('planted', String(email), content)).toBe(true);
  });

  it('replaces no file unless told to, and does not make up an installation', async () => {
    const size = statSync(backup).size;
    const refused = await gatewright(['backup', backup]);
    expect([refused.status, refused.stderr]).toEqual([
      1,
      `gatewright: ${backup} is there already: name another file, or replace it with --force\n`,
    ]);
    expect(statSync(backup).size).toBe(size);
    const file = path.join(newFolder(), 'other.tar.gz');
    writeFileSync(file, 'something');
    expect((await gatewright(['backup', file, '--force', '--json'])).json).toMatchObject({ file, withKeyring: false });
    expect(statSync(file).size).toBeGreaterThan(1000);

    for (const name of [path.dirname(file), `${path.dirname(file)}/`]) {
      expect((await gatewright(['backup', name, '--force'])).stderr).toMatch(
        / is a folder: name the file to be made in/,
      );
    }
    expect(readdirSync(path.dirname(file))).toEqual(['other.tar.gz']);

    const { run, env } = installation();
    mkdirSync(env['DATA_DIR'] ?? '');
    writeFileSync(path.join(env['DATA_DIR'] ?? '', 'gatewright.db'), '');
    expect((await run(['backup', 'x.tar.gz'])).stderr).toMatch(/^gatewright: there is no installation in \S+ yet/);
    rmSync(env['DATA_DIR'] ?? '', { recursive: true });
    expect((await run(['backup', 'x.tar.gz'])).stderr).toMatch(/^gatewright: there is no installation in \S+ yet/);
    expect((await run(['backup', 'x.tar.gz'], { env: { DATABASE_URL: 'postgresql://u@h/d' } })).stderr).toMatch(
      /^gatewright: the data is in PostgreSQL: copy it with pg_dump --format=custom, and keep \S+keyring\.json apart/,
    );
  });
});

describe('restore', () => {
  it('brings everything back, but signs everybody out and refuses every token', async () => {
    const { stdout } = await restoredServer();
    expect(stdout).toMatch(/^Restored http:\S+ as of \S+Z\. Everybody has to sign in again\.\n$/);
    const { ada, bob, eve } = people;
    expect(stepOf((await ask({ ...ada, agent: copyOf(ada.agent, server) })).page)).toBe('password');
    await expect(ada.party.refresh(ada.tokens.refresh_token ?? '')).rejects.toMatchObject({ error: 'invalid_grant' });
    expect((await ada.party.introspect(ada.tokens.access_token)).active).toBe(false);
    expect(await people.machine.isActive()).toBe(false);

    expect((await enter({ ...bob, agent: createUserAgent(server.issuer) })).id_token).toBeTruthy();
    const visitor = { ...ada, agent: createUserAgent(server.issuer) };
    const { page, authorization } = await ask(visitor);
    const asked = await visitor.agent.submit(page, { email: ada.account.email, password: PASSWORD });
    const link = /href="([^"]+method=recovery-code)"/.exec(asked.html)?.[1] ?? '';
    const back = await visitor.agent.submit(await visitor.agent.get(link), { code: ada.codes[0] ?? '' });
    expect((await ada.party.redeem(back, authorization)).id_token).toBeTruthy();
    await expect(enter({ ...eve, agent: createUserAgent(server.issuer) })).rejects.toThrow();
  });

  it('keeps sessions where the operator says so, and says what that revives', async () => {
    const { stderr } = await restoredServer('--keep-sessions');
    expect(stderr).toMatch(/^gatewright: warning: sessions that were signed out, .* since the backup live again\n/);
    const { ada } = people;
    expect(await people.machine.isActive()).toBe(true);
    expect((await again({ ...ada, agent: copyOf(ada.agent, server) })).id_token).toBeTruthy();
    expect(stepOf((await ask({ ...people.joe, agent: people.joe.thief })).page)).toBe('password');
  });

  it('is refused into a folder that is not empty, unless that is to be moved aside', async () => {
    const { data, restore, root, env } = elsewhere();
    expect((await restore(backup)).status).toBe(0);
    expect(readdirSync(data).sort()).toEqual(['gatewright.db', 'state.db']);
    expect(leftIn(data)).toEqual({
      artifact: 0,
      session: 0,
      session_authorization: 0,
      progress: 0,
      death: expect.any(Number),
    });
    expect(leftIn(data)['death']).toBeGreaterThan(0);
    const refused = await restore(backup);
    expect(refused.stderr).toContain(
      `${data} is not empty: set DATA_DIR to an empty folder, or move it aside with --force`,
    );
    expect((await restore(backup, '--force')).stdout).toMatch(/What was there before is in \S+data\.before-/);
    expect(readdirSync(root)).toHaveLength(2);
    const events = await gatewright(['account', 'list', '--json'], env);
    expect(events.status).toBe(0);
  });

  it('moves aside no folder that another process has open, whatever port that listens at', async () => {
    const { data } = server.config.folders;
    const refused = await gatewright(['restore', backup, '--force', '--yes'], { PORT: '9' });
    expect([refused.status, refused.stderr]).toEqual([
      1,
      expect.stringMatching(/another process has \S+gatewright\.db open: stop the server and other commands first\n$/),
    ]);
    expect(readdirSync(data).filter((name) => name.startsWith('.restoring'))).toEqual([]);
    expect(readdirSync(path.dirname(data)).filter((name) => name.includes('before'))).toEqual([]);
    expect((await enter(await visit(server))).id_token).toBeTruthy();
  });

  it('goes into the folder behind a link, which stays, and into a volume that has nothing in it yet', async () => {
    const { data, restore, root } = elsewhere();
    const volume = path.join(newFolder(), 'volume');
    mkdirSync(path.join(volume, 'lost+found'), { recursive: true });
    symlinkSync(volume, data);
    expect((await restore(backup)).status).toBe(0);
    expect(readdirSync(volume)).toContain('gatewright.db');
    const { stdout } = await restore(backup, '--force');
    expect(stdout).toMatch(/What was there before is in \S+volume\.before-/);
    expect(readlinkSync(data)).toBe(volume);
    expect(readdirSync(volume).sort()).toEqual(['gatewright.db', 'state.db']);
    expect(readdirSync(root)).toEqual(['data']);

    const lost = elsewhere();
    symlinkSync(path.join(lost.root, 'unmounted', 'data'), lost.data);
    expect((await lost.restore(backup)).stderr).toMatch(
      /the data folder \S+data cannot be written to \(ENOENT\): make it/,
    );
  });

  it('is refused with a keyring that has lost what the data rests on, before anything is put in place', async () => {
    const keys = path.join(newFolder(), 'keys');
    cpSync(server.config.folders.keys, keys, { recursive: true });
    const env = { DATA_DIR: path.join(newFolder(), 'data'), KEYS_DIR: keys, PORT: '9' };
    expect((await gatewright(['restore', backup, '--yes'], env)).status).toBe(0);
    // A rotation that was interrupted before anything was sealed anew, then a backup, then the end of the old key.
    const [old] = readKeyringFile(keys).keys;
    changeKeyringFile(keys, (content) => ({ ...content, keys: [...content.keys, newKey(Date.now(), Date.now)] }));
    const file = path.join(newFolder(), 'early.tar.gz');
    expect((await gatewright(['backup', file], env)).status).toBe(0);
    changeKeyringFile(keys, (content) => ({ ...content, keys: content.keys.filter(({ id }) => id !== old?.id) }));
    const { restore, data } = elsewhere({ keys });
    expect((await restore(file)).stderr).toMatch(
      new RegExp(`early\\.tar\\.gz is sealed under key ${old?.id}, which this keyring holds no more: put back the`),
    );
    expect(readdirSync(data)).toEqual([]);
  });

  it('is refused while the server runs, without an answer, and with the wrong keyring', async () => {
    const { restore, env } = elsewhere();
    const running = await gatewright(['restore', backup, '--yes'], { ...env, PORT: String(server.config.listen.port) });
    expect(running.stderr).toMatch(/^gatewright: a server answers at \S+: stop it first/);
    expect((await gatewright(['restore', backup], env)).status).toBe(2);
    expect((await restore(path.join(folder, 'none'))).stderr).toMatch(/none cannot be read \(ENOENT\)\n$/);

    const missing = await elsewhere({ keys: path.join(newFolder(), 'keys') }).restore(backup);
    expect(missing.stderr).toMatch(
      /keyring\.json is missing: put it back from its own copy; the backup does not hold it\n$/,
    );
    const other = installation();
    await other.json(['client', 'create', '--type', 'service', '--name', 'x']);
    const wrong = await elsewhere({ keys: other.env['KEYS_DIR'] ?? '' }).restore(backup);
    expect(wrong.stderr).toMatch(/was sealed with keyring \w+, but KEYS_DIR holds keyring \w+: put the right keyring/);
  });
});

describe('a backup with its keyring', () => {
  it('opens with its passphrase alone, and on an empty machine', async () => {
    const file = path.join(newFolder(), 'whole.tar.gz');
    const [right, wrong, short] = [PASSPHRASE, 'another passphrase', 'short'].map((text) => {
      const name = path.join(newFolder(), 'passphrase');
      writeFileSync(name, `${text}\n`);
      return name;
    }) as [string, string, string];
    const fromWindows = path.join(newFolder(), 'passphrase');
    writeFileSync(fromWindows, `\ufeff${PASSPHRASE}\r\n`);
    const noText = path.join(newFolder(), 'passphrase');
    writeFileSync(noText, Buffer.alloc(32, 0xc3));
    const sealed = (passphrase: string) =>
      gatewright(['backup', file, '--with-keyring', '--passphrase-file', passphrase]);
    expect((await sealed(short)).stderr).toBe('gatewright: the passphrase is too short: it needs 15 characters\n');
    expect((await gatewright(['backup', file, '--with-keyring'])).status).toBe(2);
    expect((await sealed(noText)).stderr).toMatch(
      /passphrase holds bytes that are no text: write what is in it as base64/,
    );
    expect((await sealed(right)).status).toBe(0);
    const keyring = readFileSync(path.join(server.config.folders.keys, 'keyring.json'), 'utf8');
    const [key] = JSON.parse(keyring).keys;
    const content = gunzipSync(readFileSync(file));
    expect(namesIn(content)).toContain('keyring.sealed');
    for (const needle of needlesOf('key', key.secret)) expect(content.includes(needle)).toBe(false);

    const { restore, keys, data } = elsewhere({ keys: path.join(newFolder(), 'keys') });
    const guess = await restore(file, '--with-keyring', '--passphrase-file', wrong);
    expect([guess.status, guess.stderr]).toEqual([
      1,
      expect.stringMatching(/does not open: the passphrase is wrong\n$/),
    ]);
    expect(readdirSync(data)).toEqual([]);
    expect((await restore(file)).stderr).toMatch(
      /is missing: put it back .*, or take it from the backup with --with-keyring/,
    );
    expect((await restore(file, '--with-keyring', '--passphrase-file', fromWindows)).status).toBe(0);
    expect(readFileSync(path.join(keys, 'keyring.json'), 'utf8')).toBe(keyring);
    expect(statSync(path.join(keys, 'keyring.json')).mode & 0o777).toBe(0o600);
  });
});

describe('a file that is no backup any more', () => {
  const spoiled: [string, (content: Buffer) => Buffer | string][] = [
    ['is cut off', () => readFileSync(backup).subarray(0, -2000)],
    ['is empty', () => ''],
    ['is something else', () => 'no archive at all'],
    ['has a byte changed in a database', (content) => gzipSync(changed(content, people.ada.account.email))],
    [
      'has a database changed, and its manifest to match',
      (content) => gzipSync(forged(content, people.ada.account.email)),
    ],
    ['has a byte changed in its manifest', (content) => gzipSync(changed(content, '"program"'))],
    ['has a manifest with other times', (content) => gzipSync(changed(content, '"createdAt": "2'))],
    ['lacks a part', (content) => gzipSync(withEntries(entriesOf(content).slice(0, 2)))],
    [
      'has a part twice',
      (content) => {
        const [manifest, state, database] = entriesOf(content) as [Entry, Entry, Entry];
        return gzipSync(withEntries([manifest, state, state, database]));
      },
    ],
    ['begins with something else', (content) => gzipSync(withEntries(entriesOf(content).slice(1)))],
    ['names a path outside', (content) => gzipSync(renamed(content, '../../escaped'))],
    ['names an absolute path', (content) => gzipSync(renamed(content, '/tmp/escaped'))],
    ['holds a link', (content) => gzipSync(linked(content))],
  ];

  it.each(spoiled)('and %s is refused, and nothing is left', async (_what, spoil) => {
    const { restore, data, root } = elsewhere();
    const file = path.join(newFolder(), 'spoiled.tar.gz');
    writeFileSync(file, spoil(gunzipSync(readFileSync(backup))));
    const refused = await restore(file);
    expect([refused.status, refused.stderr]).toEqual([
      1,
      expect.stringMatching(/gatewright: \S+spoiled\.tar\.gz is not an intact backup \(.+\): use another one\n$/),
    ]);
    expect(readdirSync(data)).toEqual([]);
    expect(readdirSync(root)).toEqual(['data']);
  });
});
