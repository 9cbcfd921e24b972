import { isIP } from 'node:net';
import type { LevelPolicy } from '../assurance/demand.ts';
import { DAY, HOUR, type Seconds } from '../lib/duration.ts';
import { LOOPBACK_HOSTS } from '../lib/public-address.ts';
import { LONGEST_ACCESS_TOKEN } from '../lib/token-lifetime.ts';
import { type Env, envReader } from './env.ts';
import { readLevels } from './levels.ts';
import { type LifetimesConfig, readLifetimes } from './lifetimes.ts';
import { type LimitsConfig, readLimits } from './limits.ts';
import { type MailConfig, readMail } from './mail.ts';
import { type RegistrationConfig, readRegistration } from './registration.ts';
import { readSignUp, type SignUpConfig } from './sign-up.ts';
import { readTls, type TlsConfig } from './tls.ts';

export interface Config extends TlsConfig {
  /** Public base URL, no trailing slash: the `iss` of every token (OpenID Connect Core 2). */
  issuer: string;
  siteName: string;
  listen: { host: string; port: number };
  /** Addresses of the proxies whose X-Forwarded-For counts. */
  trustedProxies: string[];
  folders: { data: string; keys: string; viewsOverride: string | null };
  /** Without a URL: SQLite files in the data folder. The URL carries a password: never log it. */
  database: { url: string | null; pool: number };
  /** Where flows that are under way are kept; null: in the database. The URL may carry a password. */
  redis: { url: string; prefix: string } | null;
  /** Where /metrics listens by itself; null: beside everything else, and only where the issuer is this machine. */
  metrics: { host: string; port: number } | null;
  /** A stop: how long it goes on serving while load balancers learn of it, and what requests in flight get at most. */
  stop: { delay: Seconds; timeout: Seconds };
  /** A signing key is replaced at this age; null: by an operator only. */
  signingKeyAge: Seconds | null;
  logLevel: string;
  /** Where heads of the audit trail are added to beside the log, and the age at which its entries go; null: never. */
  audit: { headFile: string | null; retention: Seconds | null };
  levels: LevelPolicy;
  /** Between the start of a recovery and the moment at which its link opens. */
  recoveryWait: Seconds;
  /** A passkey whose counter has not grown is taken all the same. */
  acceptPasskeyCounters: boolean;
  password: { memory: number; passes: number; lanes: number; concurrency: number; queue: number };
  /** Where prefixes of new passwords' hashes are looked up, up to and with the last slash; null: nowhere. */
  passwordRange: string | null;
  limits: LimitsConfig;
  lifetimes: LifetimesConfig;
  mail: MailConfig;
  /** How long an account whose owner deletes it can be kept after all. */
  deletionGrace: Seconds;
  signUp: SignUpConfig;
  registration: RegistrationConfig;
  /** Whether every proof of possession must carry a nonce of ours (RFC 9449 8). */
  dpopNonces: 'offered' | 'required';
  /** Networks (CIDR) that addresses supplied by clients may lead to although they are private. */
  allowedPrivateNetworks: string[];
  /** The issuer is http on this machine: a try-out, where https is not asked for. */
  loopback: boolean;
}

const LOOPBACK_NETWORKS = ['127.0.0.0/8', '::1/128'];

/** @throws {ConfigError} listing every problem, so that an operator mends them in one pass. */
export function parseConfig(env: Env): Config {
  const read = envReader(env);

  const issuer = read.url('ISSUER', 'http://localhost:3000');
  const loopback = issuer.protocol === 'http:' && LOOPBACK_HOSTS.includes(issuer.hostname);
  read.check(issuer.protocol === 'https:' || loopback, 'ISSUER must be https, or http on localhost');
  read.check(
    issuer.pathname === '/' && !issuer.search && !issuer.hash && !issuer.username,
    'ISSUER must be scheme and host alone, without path, query or user: give Gatewright a host name of its own',
  );

  const allowedPrivateNetworks = read.list('ALLOWED_PRIVATE_NETWORKS');
  for (const network of allowedPrivateNetworks) {
    read.check(isNetwork(network), `ALLOWED_PRIVATE_NETWORKS: "${network}" is not a network such as 10.0.0.0/8`);
  }
  const trustedProxies = read.list('TRUSTED_PROXIES');
  for (const proxy of trustedProxies) {
    read.check(isIP(proxy) !== 0 || isNetwork(proxy), `TRUSTED_PROXIES: "${proxy}" is not an address or network`);
  }

  const databaseUrl = read.secret('DATABASE_URL');
  const redisUrl = read.secret('REDIS_URL');
  // Never quoted: they carry passwords.
  read.check(
    databaseUrl === null || isUrlOf(databaseUrl, ['postgresql:', 'postgres:']),
    'DATABASE_URL must be of the form postgresql://user:password@host:5432/database; leave it out for SQLite',
  );
  read.check(
    redisUrl === null || isUrlOf(redisUrl, ['redis:', 'rediss:']),
    'REDIS_URL must be of the form redis://user:password@host:6379/0, or rediss:// for TLS',
  );
  read.check(
    redisUrl === null || databaseUrl !== null,
    'REDIS_URL is for several instances, which share a PostgreSQL: set DATABASE_URL too, or leave REDIS_URL out',
  );
  const passwordRange = readPasswordRange(read);
  const port = read.int('PORT', Number(issuer.port) || 3000, { min: 0, max: 65_535 });
  const metricsPort = read.int('METRICS_PORT', 0, { min: 0, max: 65_535 });
  const retentionDays = read.int('AUDIT_RETENTION', 0, { min: 0, max: 36_500 });
  const signingKeyDays = read.int('SIGNING_KEY_DAYS', 90, { min: 0, max: 3650 });

  const mail = readMail(read, issuer, loopback);

  const config: Config = {
    issuer: issuer.origin,
    siteName: read.text('SITE_NAME', 'Gatewright'),
    listen: { host: read.text('HOST', '127.0.0.1'), port },
    ...readTls(read, { issuer, ports: [port, metricsPort], hasProxies: trustedProxies.length > 0 }),
    trustedProxies,
    folders: {
      data: read.text('DATA_DIR', 'data'),
      keys: read.text('KEYS_DIR', 'keys'),
      viewsOverride: read.optional('VIEWS_DIR'),
    },
    database: { url: databaseUrl, pool: read.int('DATABASE_POOL', 10, { min: 2, max: 500 }) },
    redis: redisUrl === null ? null : { url: redisUrl, prefix: read.text('REDIS_PREFIX', 'gatewright:') },
    metrics: metricsPort === 0 ? null : { host: read.text('METRICS_HOST', '127.0.0.1'), port: metricsPort },
    stop: {
      delay: read.seconds('STOP_DELAY', 0, { min: 0, max: HOUR }),
      timeout: read.seconds('STOP_TIMEOUT', 10, { min: 1, max: HOUR }),
    },
    signingKeyAge: signingKeyDays === 0 ? null : signingKeyDays * DAY,
    audit: { headFile: read.optional('AUDIT_HEAD_FILE'), retention: retentionDays === 0 ? null : retentionDays * DAY },
    logLevel: read.oneOf('LOG_LEVEL', ['fatal', 'error', 'warn', 'info', 'debug', 'silent'], 'info'),
    levels: readLevels(read),
    recoveryWait: read.int('RECOVERY_WAIT_HOURS', 24, { min: 0, max: 720 }) * HOUR,
    acceptPasskeyCounters: read.oneOf('PASSKEY_COUNTERS', ['refuse', 'accept'], 'refuse') === 'accept',
    password: {
      memory: read.int('ARGON2_MEMORY_KIB', 65_536, { min: 7_168, max: 4_194_304 }),
      passes: read.int('ARGON2_PASSES', 3, { min: 1, max: 100 }),
      lanes: read.int('ARGON2_LANES', 1, { min: 1, max: 16 }),
      // Below the four threads of libuv's pool, which token signatures share.
      concurrency: read.int('ARGON2_CONCURRENCY', 2, { min: 1, max: 64 }),
      queue: read.int('ARGON2_QUEUE', 100, { min: 1, max: 10_000 }),
    },
    passwordRange,
    limits: readLimits(read),
    lifetimes: readLifetimes(read),
    deletionGrace: read.int('ACCOUNT_DELETION_GRACE_DAYS', 14, { min: 0, max: 365 }) * DAY,
    mail,
    signUp: readSignUp(read, mail),
    registration: readRegistration(read),
    dpopNonces: read.oneOf('DPOP_NONCE', ['offered', 'required'], 'offered'),
    allowedPrivateNetworks: loopback ? [...LOOPBACK_NETWORKS, ...allowedPrivateNetworks] : allowedPrivateNetworks,
    loopback,
  };

  read.finish();
  return config;
}

function readPasswordRange(read: ReturnType<typeof envReader>): string | null {
  const given = read.optional('PASSWORD_RANGE_URL');
  const url = given === null ? null : URL.parse(given);
  const safe = url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK_HOSTS.includes(url.hostname));
  read.check(
    given === null || (safe && url.pathname.endsWith('/') && !url.search && !url.hash && !url.username),
    'PASSWORD_RANGE_URL must be https and end in a slash, such as https://api.pwnedpasswords.com/range/; leave it out to ask nobody',
  );
  return url?.href ?? null;
}

function isUrlOf(text: string, protocols: readonly string[]): boolean {
  const url = URL.parse(text);
  return url !== null && url.hostname !== '' && protocols.includes(url.protocol);
}

function isNetwork(text: string): boolean {
  const [address = '', bits = ''] = text.split('/');
  const family = isIP(address);
  return family !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128);
}

/** The longest that anything lives which carries the name of a session or grant. */
export function longestLifetime({ lifetimes }: Config): Seconds {
  return Math.max(...Object.values(lifetimes), LONGEST_ACCESS_TOKEN);
}

/** What `openStores` asks for. */
export function storeOptions(config: Config) {
  const { issuer, folders, database, redis } = config;
  return { issuer, folders, database, redis, longestLifetime: longestLifetime(config) };
}

/**
 * Relying parties send expired ID tokens as `id_token_hint`, up to the end of the longest session; and an API may have its
 * tokens live as long as any can.
 */
export function signingKeyRetention({ lifetimes }: Config): Seconds {
  return Math.max(lifetimes.session, LONGEST_ACCESS_TOKEN) + lifetimes.idToken;
}
