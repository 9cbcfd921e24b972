import type { CertificateSubject, Client } from '../clients/client.ts';
import type { ClientStore } from '../clients/store.ts';
import type { Milliseconds } from '../lib/duration.ts';
import { OPENLY } from '../registration/token.ts';
import { details, iso } from './layout.ts';

type Secrets = Awaited<ReturnType<ClientStore['secrets']>>;

export function clientJson(client: Client, secrets: Secrets) {
  const { id, name, type, status, audience, settings, registeredBy, managesItself, createdAt, updatedAt } = client;
  return {
    ...{ id, name, type, status, audience, settings, registeredBy, managesItself },
    secrets: secrets.map((secret) => ({
      createdAt: iso(secret.createdAt),
      expiresAt: secret.expiresAt === null ? null : iso(secret.expiresAt),
    })),
    createdAt: iso(createdAt),
    updatedAt: iso(updatedAt),
  };
}

/** @param issuer where the application is told about it too */
export function clientText(client: Client, secrets: Secrets, now: Milliseconds, issuer: string | null = null): string {
  const { settings, type } = client;
  const signsIn = type === 'web' || type === 'spa' || type === 'native';
  const onlyIf = <T>(shown: boolean, value: T) => (shown ? value : null);
  return details([
    ['issuer', issuer],
    ['client id', client.id],
    ['name', client.name],
    ['type', type],
    ['status', client.status],
    ['registered by', registrant(client)],
    ['audience', client.audience],
    ['authentication', settings.authMethod],
    [
      'secrets',
      onlyIf(
        secrets.length > 0,
        secrets.map((secret) => secretText(secret, now)),
      ),
    ],
    ['redirect addresses', onlyIf(signsIn, settings.redirectUris)],
    ['after signing out', onlyIf(settings.postLogoutRedirectUris.length > 0, settings.postLogoutRedirectUris)],
    ['back-channel logout', settings.backchannelLogoutUri],
    ['security events', settings.securityEventsUri],
    ['scopes', settings.scopes.join(' ') || 'none'],
    ['APIs', onlyIf(type !== 'resource', settings.audiences)],
    ['first party', onlyIf(signsIn, yesNo(settings.firstParty))],
    ['PKCE required', onlyIf(signsIn, yesNo(settings.pkceRequired))],
    ['device grant', onlyIf(signsIn, yesNo(settings.deviceGrant))],
    ['ID token claims', onlyIf(signsIn, yesNo(settings.idTokenClaims))],
    ['userinfo with API', onlyIf(signsIn, yesNo(settings.userinfoWithApi))],
    ['requests by PAR only', onlyIf(signsIn, yesNo(settings.requirePar))],
    ['signed requests only', onlyIf(signsIn, yesNo(settings.requireSignedRequests))],
    ['bound by DPoP', onlyIf(type !== 'resource', yesNo(settings.dpopBound))],
    ['minimum level', onlyIf(signsIn, settings.minimumLevel)],
    ['open to', onlyIf(signsIn, settings.accounts === 'listed' ? 'listed accounts' : 'everyone')],
    ['logo', settings.logoUri],
    ['home page', settings.clientUri],
    ['privacy policy', settings.policyUri],
    ['terms of service', settings.tosUri],
    ['certificate-bound', onlyIf(settings.certificateBound, 'yes')],
    ['certificate names', settings.certificateSubject && subjectText(settings.certificateSubject)],
    ['public keys', settings.jwks?.keys.map(keyText) ?? null],
    ['public keys at', settings.jwksUri],
    ['created', iso(client.createdAt)],
    ['updated', iso(client.updatedAt)],
  ]);
}

/** Null: an operator. */
function registrant({ registeredBy, managesItself }: Client): string | null {
  if (registeredBy === null) return null;
  const by = registeredBy === OPENLY ? 'itself, without a token' : `itself, with ${registeredBy}`;
  return managesItself ? `${by}; changes its own registration` : by;
}

export function yesNo(value: boolean): string {
  return value ? 'yes' : 'no';
}

export function secretText({ createdAt, expiresAt }: Secrets[number], now: Milliseconds): string {
  const end = expiresAt === null ? 'no end' : `${expiresAt > now ? 'ends' : 'ended'} ${iso(expiresAt)}`;
  return `created ${iso(createdAt)}, ${end}`;
}

function subjectText({ by, value }: CertificateSubject): string {
  return `${by.replace('_', '-')} ${value}`;
}

function keyText(key: Record<string, unknown>): string {
  const certificate = key['x5c'] === undefined ? undefined : 'with certificate';
  return [key['kty'], key['alg'], key['kid'], certificate].filter((part) => typeof part === 'string').join(' ');
}
