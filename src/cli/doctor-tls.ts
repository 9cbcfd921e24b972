import { isIP } from 'node:net';
import tls from 'node:tls';
import type { Config } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import { DAY, type Milliseconds, type Seconds, toMilliseconds } from '../lib/duration.ts';
import { type Finding, ok, problem, warning } from './finding.ts';

const PATIENCE: Seconds = 5;
/** Certificates of ninety days are usually renewed thirty days before their end. */
const SOON: Milliseconds = toMilliseconds(21 * DAY);

const UNTRUSTED = 'serve the whole chain, or name your own authority to every program (NODE_EXTRA_CA_CERTS)';
const ADVICE: Record<string, string> = {
  CERT_HAS_EXPIRED: 'has expired: renew it',
  CERT_NOT_YET_VALID: 'is not valid yet: check the clock of the machine that made it, and of this one',
  ERR_TLS_CERT_ALTNAME_INVALID: 'is for another name: get one for the host of ISSUER',
  DEPTH_ZERO_SELF_SIGNED_CERT: `is signed by itself: ${UNTRUSTED}`,
  SELF_SIGNED_CERT_IN_CHAIN: `comes from an authority that is not known here: ${UNTRUSTED}`,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: `comes from an authority that is not known here: ${UNTRUSTED}`,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: `comes from an authority that is not known here: ${UNTRUSTED}`,
};

/** The certificate and the protocol at the issuer's address. Where nothing listens, the check of the server says so. */
export async function checkTls(
  { issuer }: Config,
  clock: Clock,
  patience: Milliseconds = toMilliseconds(PATIENCE),
): Promise<Finding[]> {
  const { protocol, hostname, port } = new URL(issuer);
  if (protocol !== 'https:') return [];
  const target = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || 443 };
  const [now, old] = await Promise.all([
    handshake(target, {}, patience),
    // RFC 8996. Such old protocols need ciphers that the library has retired.
    handshake(target, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' }, patience),
  ]);
  if (now === null) return [];
  return [certificate(now, clock), ...(old === null ? [] : [deprecated(old)])];
}

interface Handshake {
  refusal: string | null;
  expiresAt: Milliseconds;
  version: string;
}

function certificate({ refusal, expiresAt, version }: Handshake, clock: Clock): Finding {
  if (refusal) return problem('tls', `the certificate ${ADVICE[refusal] ?? `is refused (${refusal}): replace it`}`);
  const days = Math.floor((expiresAt - clock()) / toMilliseconds(DAY));
  if (expiresAt - clock() < SOON) {
    return warning('tls', `the certificate expires in ${days} days: see why it was not renewed`);
  }
  return ok('tls', `${version}, certificate good for ${days} days`);
}

function deprecated({ version }: Handshake): Finding {
  return warning('tls', `the proxy still speaks ${version} (RFC 8996): let it speak TLS 1.2 and 1.3 alone`);
}

/** Null where none comes about. */
function handshake(
  { host, port }: { host: string; port: number },
  versions: tls.SecureContextOptions,
  patience: Milliseconds,
): Promise<Handshake | null> {
  const servername = isIP(host) === 0 ? host : '';
  return new Promise((resolve) => {
    // What is wrong with the certificate is to be told, and nothing is sent over this connection.
    const socket = tls.connect({ host, port, servername, rejectUnauthorized: false, ...versions }, () => {
      const { valid_to: validTo } = socket.getPeerCertificate();
      resolve({
        // Its type says Error; it is the code of one.
        refusal: socket.authorized ? null : String(socket.authorizationError),
        expiresAt: Date.parse(validTo),
        version: socket.getProtocol() ?? 'an unknown protocol',
      });
      socket.destroy();
    });
    // Of the whole: who says a byte now and then is never silent for long.
    const timer = setTimeout(() => socket.destroy(), patience);
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(null);
    });
  });
}
