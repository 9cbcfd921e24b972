import type { IncomingMessage, RequestListener } from 'node:http';
import type { Middleware } from 'koa';
import type { Config } from './config/config.ts';
import type { Clock } from './lib/clock.ts';
import type { Logger } from './lib/log.ts';
import { ALIASED, type CertificateOffer, withoutUnreachable } from './oidc/mutual-tls.ts';
import type { Registry } from './oidc/registry.ts';
import { ROUTES } from './oidc/routes.ts';
import { isIssuedBy, parseAuthorities } from './tls/authorities.ts';
import { followFiles } from './tls/followed-files.ts';
import { isValidAt } from './tls/validity.ts';
import { isListed, peerAddress } from './web/client-address.ts';
import { clientCertificate } from './web/client-certificate.ts';
import type { CertificateHost } from './web/host-guard.ts';

export interface MutualTls {
  /** Null: clients cannot show certificates. */
  offer: CertificateOffer | null;
  /** Clients that depend on them only where they can show some. */
  reachable(registry: Registry): Registry;
  /** Their own address; null: there is none. */
  host: CertificateHost | null;
  /** For the listener that asks for certificates. */
  asked(callback: RequestListener): RequestListener;
  read: Middleware;
  close(): void;
}

/**
 * All that has to do with certificates of clients (RFC 8705).
 * @throws {OperatorProblem} where the list of authorities cannot be used
 */
export function openMutualTls(config: Config, { log, clock }: { log: Logger; clock: Clock }): MutualTls {
  const { mutualTls, trustedProxies } = config;
  const { header = null, authorityFile = null, origin = null, port = null } = mutualTls ?? {};
  const isListedProxy = isListed(trustedProxies);
  const isFromProxy = (req: IncomingMessage) => isListedProxy(peerAddress(req));
  const offer = mutualTls && { origin, byAuthority: authorityFile !== null };
  const asked = new WeakSet<IncomingMessage>();
  const isAsked = (req: IncomingMessage) => asked.has(req);
  const authorities =
    // At our own listener TLS knows them.
    authorityFile === null || header === null
      ? null
      : followFiles({
          files: [{ variable: 'MTLS_CA_FILE', file: authorityFile }],
          parse: ([text = '']) => parseAuthorities(text, authorityFile),
          log,
        });

  function leadsTo(req: IncomingMessage) {
    if (port !== null) return isAsked(req) ? 'only' : 'never';
    return isFromProxy(req) ? 'perhaps' : 'never';
  }

  return {
    offer,
    reachable: (registry) => withoutUnreachable(registry, offer),
    host: origin === null ? null : certificateHost(origin, leadsTo),
    asked: (callback) => (req, res) => {
      asked.add(req);
      callback(req, res);
    },
    read: clientCertificate({
      ...{ header, isFromProxy, isAsked },
      isValid: (certificate) => isValidAt(certificate, clock()),
      isIssued: (certificate) => authorities !== null && isIssuedBy(authorities.current(), certificate, clock),
    }),
    close: () => authorities?.close(),
  };
}

function certificateHost(origin: string, leadsTo: CertificateHost['leadsTo']): CertificateHost {
  return {
    host: new URL(origin).host,
    paths: Object.values(ALIASED),
    answeredAsIssuer: [ROUTES.device_authorization],
    leadsTo,
  };
}
