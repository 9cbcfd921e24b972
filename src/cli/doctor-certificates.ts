import type { Config } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import { DAY, type Milliseconds, toMilliseconds } from '../lib/duration.ts';
import { OperatorProblem } from '../lib/errors.ts';
import { parseAuthorities } from '../tls/authorities.ts';
import { credentialFiles, parseCredentials } from '../tls/credentials.ts';
import { readNamed } from '../tls/followed-files.ts';
import { type Finding, ok, problem, warning } from './finding.ts';

/** Certificates of ninety days are usually renewed thirty days before their end. */
const SOON: Milliseconds = toMilliseconds(21 * DAY);

/** The files of TLS as the server would read them, and how clients show certificates. */
export function checkCertificates(config: Config, clock: Clock): Finding[] {
  return [...ownFiles(config, clock), ...ofClients(config, clock)];
}

function ownFiles({ tls }: Config, clock: Clock): Finding[] {
  if (tls === null) return [];
  return [
    found('tls files', () => {
      const { expiresAt } = parseCredentials(credentialFiles(tls).map(readNamed), { ...tls, clock });
      return expiring('tls files', `the certificate in ${tls.certFile}`, expiresAt, clock);
    }),
  ];
}

function ofClients({ mutualTls }: Config, clock: Clock): Finding[] {
  if (mutualTls === null) return [];
  const { authorityFile: file, port, header } = mutualTls;
  const where = [port === null ? [] : `at port ${port}`, header === null ? [] : `in the header ${header}`].flat();
  const shown = `are shown ${where.join(', and ')}`;
  if (file === null) {
    return [ok('client certificates', `${shown}; set MTLS_CA_FILE to take names from those of an authority`)];
  }
  return [
    found('client certificates', () => {
      const authorities = parseAuthorities(readNamed({ variable: 'MTLS_CA_FILE', file }), file);
      const first = Math.min(...authorities.map(({ validToDate }) => validToDate.getTime()));
      return expiring('client certificates', `${shown}; of the authorities in ${file}, the first`, first, clock);
    }),
  ];
}

function expiring(check: string, what: string, expiresAt: Milliseconds, clock: Clock): Finding {
  const days = Math.floor((expiresAt - clock()) / toMilliseconds(DAY));
  if (expiresAt <= clock()) return problem(check, `${what} has expired: replace it`);
  if (expiresAt - clock() < SOON) return warning(check, `${what} expires in ${days} days: see why it was not renewed`);
  return ok(check, `${what} is good for ${days} days`);
}

function found(check: string, look: () => Finding): Finding {
  try {
    return look();
  } catch (err) {
    if (!(err instanceof OperatorProblem)) throw err;
    return problem(check, err.message);
  }
}
