import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { longestLifetime, parseConfig, signingKeyRetention } from '../../src/config/config.ts';
import { ConfigError, type Env } from '../../src/config/env.ts';
import { DAY, HOUR, MINUTE } from '../../src/lib/duration.ts';

function problems(env: Env): readonly string[] {
  try {
    parseConfig(env);
    return [];
  } catch (err) {
    if (err instanceof ConfigError) return err.problems;
    throw err;
  }
}

describe('the configuration', () => {
  it('is complete with nothing set: a try-out on this machine', () => {
    expect(parseConfig({})).toEqual({
      audit: { headFile: null, retention: null },
      issuer: 'http://localhost:3000',
      siteName: 'Gatewright',
      passwordRange: null,
      listen: { host: '127.0.0.1', port: 3000 },
      database: { url: null, pool: 10 },
      redis: null,
      metrics: null,
      ...{ tls: null, mutualTls: null },
      stop: { delay: 0, timeout: 10 },
      signingKeyAge: 90 * DAY,
      trustedProxies: [],
      folders: { data: 'data', keys: 'keys', viewsOverride: null },
      logLevel: 'info',
      levels: {
        ...{ secondFactor: 'administrators', phishingResistant: 'nobody' },
        ...{ trustedBrowser: null, enrolmentGrace: 0, passkeys: true },
      },
      acceptPasskeyCounters: false,
      recoveryWait: 24 * 60 * 60,
      password: { memory: 65_536, passes: 3, lanes: 1, concurrency: 2, queue: 100 },
      limits: {
        ...{ passwords: 10, codes: 5, perAddress: 100, letters: 5, window: 15 * MINUTE },
        spraying: { perPassword: 20, perAddress: 50 },
        requests: { perAddress: 1_000, perClient: 60_000, perAccount: 300, clientFailures: 60 },
      },
      lifetimes: {
        accessToken: 15 * MINUTE,
        idToken: HOUR,
        sessionIdle: 3 * DAY,
        session: 14 * DAY,
        refreshTokenIdle: 14 * DAY,
        refreshToken: 90 * DAY,
        interaction: 30 * MINUTE,
        jwksCache: 10 * MINUTE,
      },
      allowedPrivateNetworks: ['127.0.0.0/8', '::1/128'],
      loopback: true,
      mail: { by: 'folder', from: 'no-reply@localhost' },
      deletionGrace: 14 * DAY,
      signUp: { mode: 'off', domains: [], offered: false },
      dpopNonces: 'offered',
      registration: { mode: 'off', mostUnused: 100 },
    });
  });

  it('reads what is set, without space around it, and takes empty for unset', () => {
    const config = parseConfig({
      ISSUER: ' https://id.example.org/ ',
      SITE_NAME: 'Example',
      PORT: '8080',
      HOST: '',
      TRUSTED_PROXIES: '10.0.0.1, 192.168.0.0/16,,2001:db8::/32',
      ALLOWED_PRIVATE_NETWORKS: '10.0.0.0/8',
      ACCESS_TOKEN_LIFETIME: '60',
      VIEWS_DIR: '/etc/gatewright/views',
    });
    expect(config).toMatchObject({
      issuer: 'https://id.example.org',
      siteName: 'Example',
      listen: { host: '127.0.0.1', port: 8080 },
      trustedProxies: ['10.0.0.1', '192.168.0.0/16', '2001:db8::/32'],
      allowedPrivateNetworks: ['10.0.0.0/8'],
      folders: { viewsOverride: '/etc/gatewright/views' },
      loopback: false,
    });
    expect(config.lifetimes.accessToken).toBe(60);
  });

  it('listens where a local issuer says', () => {
    expect(parseConfig({ ISSUER: 'http://localhost:4000' }).listen.port).toBe(4000);
    expect(parseConfig({ ISSUER: 'http://localhost:4000', PORT: '5000' }).listen.port).toBe(5000);
  });

  it('is refused with every problem at once', () => {
    const found = problems({
      ISSUER: 'http://id.example.org/login',
      PORT: '65536',
      LOG_LEVEL: 'loud',
      SECOND_FACTOR: 'never',
      ARGON2_PASSES: '1.5',
      LIMIT_CODES: '11',
      TRUSTED_PROXIES: 'proxy.example.org',
      ALLOWED_PRIVATE_NETWORKS: '10.0.0.1',
      SESSION_IDLE: '7200',
      SESSION_LIFETIME: '3600',
    });
    expect(found).toEqual([
      'ISSUER must be https, or http on localhost',
      'ISSUER must be scheme and host alone, without path, query or user: give Gatewright a host name of its own',
      'ALLOWED_PRIVATE_NETWORKS: "10.0.0.1" is not a network such as 10.0.0.0/8',
      'TRUSTED_PROXIES: "proxy.example.org" is not an address or network',
      'PORT must be a whole number from 0 to 65535, not "65536"',
      'LOG_LEVEL must be one of fatal, error, warn, info, debug, silent, not "loud"',
      'SECOND_FACTOR must be one of optional, administrators, everyone, not "never"',
      'ARGON2_PASSES must be a whole number from 1 to 100, not "1.5"',
      'LIMIT_CODES must be a whole number from 1 to 10, not "11"',
      'SESSION_IDLE is longer than SESSION_LIFETIME',
    ]);
    expect(new ConfigError(found).message.split('\n')).toHaveLength(found.length + 1);
  });

  it('says who may sign up, and refuses what could not work', () => {
    const domains = parseConfig({ SIGN_UP: 'domains', SIGN_UP_DOMAINS: 'Example.org, müller.example' });
    expect(domains.signUp).toEqual({
      ...{ mode: 'domains', domains: ['example.org', 'xn--mller-kva.example'], offered: true },
    });
    expect(parseConfig({ SIGN_UP: 'invited' }).signUp.offered).toBe(false);
    const wants = 'SIGN_UP=domains wants the domains whose addresses may sign up, such as example.org';
    expect(problems({ SIGN_UP: 'domains' })).toEqual([`SIGN_UP_DOMAINS is missing: ${wants}`]);
    expect(problems({ SIGN_UP: 'domains', SIGN_UP_DOMAINS: 'example.org/x,@example.org,example.com' })).toEqual([
      'SIGN_UP_DOMAINS: "example.org/x" is not a domain such as example.org',
      'SIGN_UP_DOMAINS: "@example.org" is not a domain such as example.org',
    ]);
    expect(problems({ SIGN_UP: 'open', SIGN_UP_DOMAINS: 'example.org' })).toEqual([
      'SIGN_UP_DOMAINS is for SIGN_UP=domains only: set that, or leave SIGN_UP_DOMAINS out',
    ]);
    for (const mode of ['invited', 'open']) {
      expect(problems({ SIGN_UP: mode, ISSUER: 'https://id.example.org' })).toEqual([
        `SIGN_UP=${mode} needs mail, which proves addresses: set SMTP_URL and MAIL_FROM, or SIGN_UP=off`,
      ]);
    }
    expect(problems({ SIGN_UP: 'everybody' })).toEqual([
      'SIGN_UP must be one of off, invited, domains, open, not "everybody"',
    ]);
  });

  for (const [issuer, sound] of [
    ['https://id.example.org', true],
    ['https://id.example.org:8443', true],
    ['http://127.0.0.1:3000', true],
    ['http://[::1]:3000', true],
    ['http://id.example.org', false],
    ['http://localhost.example.org', false],
    ['https://id.example.org/path', false],
    ['https://id.example.org/?query', false],
    ['https://id.example.org/#fragment', false],
    ['https://user@id.example.org', false],
    ['ftp://id.example.org', false],
    ['id.example.org', false],
  ] as const) {
    it(`${sound ? 'takes' : 'refuses'} the issuer ${issuer}`, () =>
      expect(problems({ ISSUER: issuer }).length === 0).toBe(sound));
  }

  for (const [env, sound] of [
    [{ TRUSTED_PROXIES: '::1' }, true],
    [{ TRUSTED_PROXIES: '10.0.0.0/33' }, false],
    [{ TRUSTED_PROXIES: '2001:db8::/129' }, false],
    [{ TRUSTED_PROXIES: '*' }, false],
    [{ PORT: 'http' }, false],
    [{ PORT: '-1' }, false],
    [{ PORT: '0' }, true],
    [{ LIMIT_WINDOW: '59' }, false],
    [{ REFRESH_TOKEN_IDLE: '7200', REFRESH_TOKEN_LIFETIME: '3600' }, false],
    [{ ARGON2_MEMORY_KIB: '1024' }, false],
    [{ DATABASE_POOL: '1' }, false],
    [{ METRICS_PORT: '9464', METRICS_HOST: '10.0.0.1' }, true],
    [{ METRICS_PORT: '65536' }, false],
    [{ STOP_DELAY: '3601' }, false],
    [{ STOP_TIMEOUT: '0' }, false],
    [{ SIGNING_KEY_DAYS: '-1' }, false],
  ] as [Env, boolean][]) {
    it(`${sound ? 'takes' : 'refuses'} ${JSON.stringify(env)}`, () => expect(problems(env).length === 0).toBe(sound));
  }
});

describe('what is off unless asked for', () => {
  it('is a port for metrics, and left to an operator where keys are not replaced by age', () => {
    const at = { METRICS_PORT: '9464', METRICS_HOST: '10.0.0.1' };
    expect(parseConfig(at).metrics).toEqual({ host: '10.0.0.1', port: 9464 });
    expect(parseConfig({ METRICS_HOST: '10.0.0.1' }).metrics).toBeNull();
    expect(parseConfig({ SIGNING_KEY_DAYS: '0' }).signingKeyAge).toBeNull();
    expect(parseConfig({ STOP_DELAY: '5', STOP_TIMEOUT: '20' }).stop).toEqual({ delay: 5, timeout: 20 });
  });
});

describe('where data is kept', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'gatewright-config-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const DATABASE_URL = 'postgresql://gatewright:hunter2@db.example.org/gatewright';
  const REDIS_URL = 'rediss://:hunter2@redis.example.org:6379/0';
  let writes = 0;
  const inFile = (text: string) => {
    const file = path.join(folder, String(writes++));
    writeFileSync(file, text);
    return file;
  };

  it('is said by variables, or by files that hold what they would', () => {
    const wanted = { database: { url: DATABASE_URL, pool: 20 }, redis: { url: REDIS_URL, prefix: 'id:' } };
    const others = { DATABASE_POOL: '20', REDIS_PREFIX: 'id:' };
    expect(parseConfig({ DATABASE_URL, REDIS_URL, ...others })).toMatchObject(wanted);
    const files = { DATABASE_URL_FILE: inFile(`${DATABASE_URL}\n`), REDIS_URL_FILE: inFile(REDIS_URL) };
    expect(parseConfig({ ...files, ...others })).toMatchObject(wanted);
    expect(parseConfig({ DATABASE_URL_FILE: inFile('\n') }).database.url).toBeNull();
  });

  it.each([
    [
      'both',
      { DATABASE_URL, DATABASE_URL_FILE: inFile(DATABASE_URL) },
      'DATABASE_URL and DATABASE_URL_FILE are both set',
    ],
    [
      'a file that is not there',
      { DATABASE_URL_FILE: '/no/such/file' },
      'DATABASE_URL_FILE: /no/such/file cannot be read (ENOENT)',
    ],
    ['another database', { DATABASE_URL: 'mysql://user:hunter2@host/db' }, 'DATABASE_URL must be of the form'],
    ['no address', { DATABASE_URL: 'hunter2' }, 'DATABASE_URL must be of the form'],
    ['no host', { DATABASE_URL: 'postgresql:///hunter2' }, 'DATABASE_URL must be of the form'],
    [
      'the same in a file',
      { DATABASE_URL_FILE: inFile('host=db password=hunter2') },
      'DATABASE_URL must be of the form',
    ],
    ['another cache', { DATABASE_URL, REDIS_URL: 'http://:hunter2@host' }, 'REDIS_URL must be of the form'],
    ['Redis alone', { REDIS_URL }, 'REDIS_URL is for several instances'],
  ] as [string, Env, string][])('refuses %s, and quotes no password', (_name, env, beginning) => {
    const found = problems(env);
    expect(found).toEqual([expect.stringContaining(beginning)]);
    expect(found.join()).not.toContain('hunter2');
  });
});

describe('mail', () => {
  const mail = (env: Env) => parseConfig(env).mail;
  const MAIL_FROM = 'id@example.org';
  const smtp = (SMTP_URL: string) => mail({ SMTP_URL, MAIL_FROM });

  it('goes into a folder on this machine, by the server that is named, or nowhere', () => {
    expect(mail({})).toEqual({ by: 'folder', from: 'no-reply@localhost' });
    expect(mail({ ISSUER: 'https://id.example.org' })).toEqual({ by: 'off', from: 'no-reply@id.example.org' });
    expect(mail({ ISSUER: 'https://id.example.org', SMTP_URL: 'smtps://mail', MAIL_FROM })).toMatchObject({
      ...{ by: 'smtp', from: MAIL_FROM, smtp: { host: 'mail', port: 465 } },
    });
  });

  it.each([
    ['smtps://u%40x:p%25s@mail.example.org', { port: 465, tls: 'implicit', login: { user: 'u@x', pass: 'p%s' } }],
    ['smtp://mail.example.org', { port: 587, tls: 'starttls', login: null }],
    ['smtp://mail.example.org:25?tls=off', { port: 25, tls: 'none' }],
    ['smtp://localhost:1025', { port: 1025, tls: 'none' }],
    ['smtp://[::1]:1025/', { host: '::1', tls: 'none' }],
    ['smtp://localhost?tls=required', { tls: 'starttls' }],
  ])('%s', (url, expected) => {
    expect(smtp(url)).toMatchObject({ by: 'smtp', smtp: expected });
  });

  it.each([
    ...[
      'mail.example.org',
      'http://user:hunter2@host',
      'smtp://',
      'smtp://user:hunter2@host/path',
      'smtp://:hunter2@host',
    ],
    ...['smtp://user:hunter2%@host', 'smtp://host?tls=maybe', 'smtp://host?tls=off&x=hunter2', 'smtps://host?tls=off'],
  ])('refuses %s, and quotes no password', (SMTP_URL) => {
    const found = problems({ SMTP_URL, MAIL_FROM });
    expect(found).toEqual([expect.stringContaining('SMTP_URL must be of the form')]);
    expect(found.join()).not.toContain('hunter2');
  });

  it.each([
    ['nobody it comes from', {}, 'MAIL_FROM is missing'],
    ['a name beside it', { MAIL_FROM: 'Ida <id@example.org>' }, 'MAIL_FROM must be an address alone'],
    ['two of them', { MAIL_FROM: 'a@example.org,b@example.org' }, 'MAIL_FROM must be an address alone'],
    ['another header', { MAIL_FROM: 'a@example.org\r\nBcc: b@example.org' }, 'MAIL_FROM must be an address alone'],
  ])('refuses %s', (_name, env, beginning) => {
    expect(problems({ SMTP_URL: 'smtp://localhost', ...env })).toEqual([expect.stringContaining(beginning)]);
  });
});

describe('TLS and certificates of clients', () => {
  const ISSUER = 'https://id.example.org';
  const TLS = { ISSUER, TLS_CERT_FILE: 'c.pem', TLS_KEY_FILE: 'k.pem' };
  const PROXY = { ISSUER, CLIENT_CERT_HEADER: 'Client-Cert', TRUSTED_PROXIES: '10.0.0.1' };
  const shown = (env: Env) => parseConfig(env).mutualTls;

  it('is found at the port that asks for them, at another address, or where everybody is', () => {
    const own = { port: 8443, header: null, authorityFile: null };
    expect(parseConfig(TLS)).toMatchObject({ tls: { certFile: 'c.pem', keyFile: 'k.pem' }, mutualTls: null });
    expect(shown({ ...TLS, MTLS_PORT: '8443' })).toEqual({ ...own, origin: `${ISSUER}:8443` });
    const elsewhere = { MTLS_URL: 'https://mtls.example.org/', MTLS_CA_FILE: 'ca.pem' };
    expect(shown({ ...TLS, MTLS_PORT: '8443', ...elsewhere })).toEqual({
      ...{ ...own, authorityFile: 'ca.pem', origin: 'https://mtls.example.org' },
    });
    expect(shown(PROXY)).toEqual({ port: null, header: 'client-cert', authorityFile: null, origin: null });
  });

  it.each<[string, Env]>([
    ['go together', { ISSUER, TLS_CERT_FILE: 'c.pem' }],
    ['go together', { ISSUER, TLS_KEY_FILE: 'k.pem' }],
    ['needs an ISSUER that is https', { ...TLS, ISSUER: 'http://localhost:3000' }],
    ['MTLS_PORT needs TLS_CERT_FILE', { ISSUER, MTLS_PORT: '8443' }],
    ['MTLS_PORT must be another port', { ...TLS, PORT: '8443', MTLS_PORT: '8443' }],
    ['MTLS_PORT must be another port', { ...TLS, METRICS_PORT: '8443', MTLS_PORT: '8443' }],
    ['MTLS_PORT is that of ISSUER', { ...TLS, PORT: '3000', MTLS_PORT: '443' }],
    ['CLIENT_CERT_HEADER needs TRUSTED_PROXIES', { ISSUER, CLIENT_CERT_HEADER: 'Client-Cert' }],
    ['the name of a header of its own', { ...PROXY, CLIENT_CERT_HEADER: 'Client Cert' }],
    ['the name of a header of its own', { ...PROXY, CLIENT_CERT_HEADER: 'Authorization' }],
    ['the name of a header of its own', { ...PROXY, CLIENT_CERT_HEADER: 'X-Forwarded-For' }],
    ['MTLS_CA_FILE needs MTLS_PORT or', { ISSUER, MTLS_CA_FILE: 'ca.pem' }],
    ['MTLS_URL needs MTLS_PORT or', { ISSUER, MTLS_URL: 'https://mtls.example.org' }],
    ['MTLS_URL must be https', { ...PROXY, MTLS_URL: 'http://mtls.example.org' }],
    ['MTLS_URL must be https', { ...PROXY, MTLS_URL: 'https://mtls.example.org/path' }],
    ['MTLS_URL must be https', { ...PROXY, MTLS_URL: ISSUER }],
  ])('%s: %j', (problem, env) => {
    expect(problems(env)).toEqual([expect.stringContaining(problem)]);
  });
});

describe('.env.example', () => {
  const root = path.join(import.meta.dirname, '../..');
  const example = readFileSync(path.join(root, '.env.example'), 'utf8');

  it('shows every variable, with its default', () => {
    const lines = [...example.matchAll(/^#([A-Z0-9_]+)=(.*)$/gm)];
    const source = globSync(path.join(root, 'src/config/*.ts'))
      .map((file) => readFileSync(file, 'utf8'))
      .join();
    const known = [...source.matchAll(/read\.(\w+)\(\s*'([A-Z0-9_]+)'/g)].flatMap(([, how, name = '']) =>
      how === 'secret' ? [name, `${name}_FILE`] : [name],
    );
    expect(lines.map(([, name]) => name).sort()).toEqual([...new Set(known)].sort());
    const shown = Object.fromEntries(lines.map(([, name, value]) => [name, value]));
    expect(parseConfig(shown)).toEqual(parseConfig({}));
  });
});

describe('what follows from the lifetimes', () => {
  const config = parseConfig({});

  it.each(['http://range.example.org/range/', 'https://range.example.org/range', 'https://a:b@example.org/', 'range'])(
    'asks nobody about passwords at %s',
    (PASSWORD_RANGE_URL) => {
      expect(() => parseConfig({ PASSWORD_RANGE_URL })).toThrow('PASSWORD_RANGE_URL must be https and end in a slash');
    },
  );

  it('is how long death marks and signing keys are kept', () => {
    expect(longestLifetime(config)).toBe(90 * DAY);
    expect(signingKeyRetention(config)).toBe(14 * DAY + HOUR);
    // However short these are, an API can have its tokens live for a day.
    const short = { ...config, lifetimes: { ...config.lifetimes, session: HOUR, refreshToken: HOUR } };
    const shorter = { ...short, lifetimes: { ...short.lifetimes, sessionIdle: HOUR, refreshTokenIdle: HOUR } };
    expect([longestLifetime(shorter), signingKeyRetention(shorter)]).toEqual([DAY, DAY + HOUR]);
  });
});
