import type { envReader } from './env.ts';

export interface TlsConfig {
  /** Certificate and key of our own listeners; null: they speak HTTP, and a proxy speaks TLS. */
  tls: { certFile: string; keyFile: string } | null;
  /** How clients show certificates (RFC 8705); null: they cannot. */
  mutualTls: MutualTlsConfig | null;
}

export interface MutualTlsConfig {
  /** A listener of its own that asks for them; null: a proxy does. */
  port: number | null;
  /** In which a proxy passes them on. Lower case. */
  header: string | null;
  /** The authorities whose certificates prove a name; null: none do. */
  authorityFile: string | null;
  /** Where clients with certificates find the endpoints; null: where everybody does. */
  origin: string | null;
}

/** Headers that mean something else: whoever is no proxy would lose them. */
const TAKEN =
  /^(host|connection|cookie|authorization|dpop|origin|referer|user-agent|accept|accept-.*|content-.*|transfer-encoding|forwarded|x-forwarded-(for|host|port|proto|prefix)|sec-.*|traceparent)$/;

interface Surroundings {
  issuer: URL;
  ports: readonly number[];
  hasProxies: boolean;
}

export function readTls(read: ReturnType<typeof envReader>, { issuer, ports, hasProxies }: Surroundings): TlsConfig {
  const certFile = read.optional('TLS_CERT_FILE');
  const keyFile = read.optional('TLS_KEY_FILE');
  read.check(
    (certFile === null) === (keyFile === null),
    'TLS_CERT_FILE and TLS_KEY_FILE go together: set both or none',
  );
  read.check(
    certFile === null || issuer.protocol === 'https:',
    'TLS_CERT_FILE needs an ISSUER that is https: set ISSUER to https://…, or leave TLS_CERT_FILE out',
  );

  const port = read.int('MTLS_PORT', 0, { min: 0, max: 65_535 });
  const header = read.optional('CLIENT_CERT_HEADER')?.toLowerCase() ?? null;
  const authorityFile = read.optional('MTLS_CA_FILE');
  const given = read.optional('MTLS_URL');
  read.check(port === 0 || certFile !== null, 'MTLS_PORT needs TLS_CERT_FILE and TLS_KEY_FILE: set them too');
  read.check(
    port === 0 || !ports.includes(port),
    'MTLS_PORT must be another port than PORT and METRICS_PORT: browsers would be asked for a certificate',
  );
  read.check(
    header === null || (/^[a-z0-9-]{1,64}$/.test(header) && !TAKEN.test(header)),
    'CLIENT_CERT_HEADER must be the name of a header of its own, such as Client-Cert',
  );
  read.check(
    header === null || hasProxies,
    'CLIENT_CERT_HEADER needs TRUSTED_PROXIES: the header counts from the proxies that are listed there alone',
  );
  const shown = port !== 0 || header !== null;
  const without = 'needs MTLS_PORT or CLIENT_CERT_HEADER, by which clients show certificates: set one of them';
  read.check(authorityFile === null || shown, `MTLS_CA_FILE ${without}`);
  read.check(given === null || shown, `MTLS_URL ${without}`);

  const url = given === null ? null : URL.parse(given);
  read.check(
    given === null || (url !== null && isOtherOrigin(url, issuer)),
    'MTLS_URL must be https, scheme and host alone, and another address than ISSUER',
  );
  const own = port === 0 ? null : new URL(`https://${issuer.hostname}:${port}`).origin;
  read.check(
    given !== null || own !== issuer.origin,
    'MTLS_PORT is that of ISSUER: choose another, or set MTLS_URL to the address by which clients reach it',
  );
  return {
    tls: certFile === null || keyFile === null ? null : { certFile, keyFile },
    mutualTls: shown ? { port: port || null, header, authorityFile, origin: url?.origin ?? own } : null,
  };
}

function isOtherOrigin({ protocol, origin, pathname, search, hash, username }: URL, issuer: URL): boolean {
  return protocol === 'https:' && origin !== issuer.origin && pathname === '/' && !search && !hash && !username;
}
